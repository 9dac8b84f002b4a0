# SPDX-License-Identifier: Apache-2.0
# mod_evasive beside ours.
use RL::Test;
use Moving;

my $so = peer('usr/lib/apache2/modules/mod_evasive20.so') or plan skip_all => 'mod_evasive is not here: make test-moving';
my $load = qq(LoadModule evasive20_module "$so"\n);
my ($A, $B) = ('127.0.0.2', '127.0.0.3');

my ($theirs, $ours) = blocks('A page that is asked for again and again');
my @requests = (times(12, { from => $A, path => '/page' }), times(3, { from => $B, path => '/page' }), times(3, { from => $A, path => '/other' }));
my ($there, $here) = (apache($load . $theirs, rl => 0, children => 1), apache($ours, children => 1));
my (@t, @h) = ();
@t = play($there, @requests);
@h = play($here, @requests);
compares('mod_evasive, a page', [ @t[0 .. 14] ], [ @h[0 .. 14] ], denied => 403);
compares('mod_evasive, another page after that', [ @t[15 .. 17] ], [ @h[15 .. 17] ], denied => 403, there => 3, here => 0);

($theirs, $ours) = blocks('A client that asks for too much');
@requests = times(60, { from => $A, path => '/page' });
compares('mod_evasive, a site, one child',
    [ play(apache($load . $theirs, rl => 0, children => 1), @requests) ], [ play(apache($ours, children => 1), @requests) ], denied => 403);
@requests = times(300, { from => $A, path => '/page' });
compares('mod_evasive, a site, several children',
    [ play(apache($load . $theirs, rl => 0, mpm => 'prefork', workers => 8), @requests) ], [ play(apache($ours, mpm => 'prefork', workers => 8), @requests) ],
    denied => 403, there => sub { $_[0] < 220 }, here => 249);

finish allow => qr/evasive20:error/;
