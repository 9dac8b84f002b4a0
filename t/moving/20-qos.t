# SPDX-License-Identifier: Apache-2.0
# mod_qos beside ours.
use RL::Test;
use Moving;

my $so = peer('usr/lib/apache2/modules/mod_qos.so') or plan skip_all => 'mod_qos is not here: make test-moving';
my $pcre = peer('usr/lib/*-linux-gnu/libpcre.so.3');
my $load = ($pcre ? qq(LoadFile "$pcre"\n) : '') . qq(LoadModule qos_module "$so"\n);

my ($theirs, $ours) = blocks('So many of a kind from a client');
my @requests = (times(12, { from => '127.0.0.2', path => '/login' }), times(3, { from => '127.0.0.3', path => '/login' }), times(9, { from => '127.0.0.2', path => '/page' }));
my @t = play(apache($load . $theirs, rl => 0), @requests);
my @h = play(apache($ours), @requests);
compares('mod_qos, events of a client', [ @t[0 .. 14] ], [ @h[0 .. 14] ]);
compares('mod_qos, the rest of the site after that', [ @t[15 .. 23] ], [ @h[15 .. 23] ], there => 9, here => 0);

($theirs, $ours) = blocks('So many at the same time at one place');
@requests = map { { from => "127.0.0.$_", path => '/slow' } } 2 .. 9;
@t = at_once(apache($load . $theirs, rl => 0), @requests);
@h = at_once(apache($ours), @requests);
compares('mod_qos, at the same time', \@t, \@h, there => 5, here => 5);

finish allow => qr/qos:error/;
