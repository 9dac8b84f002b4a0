# SPDX-License-Identifier: Apache-2.0
# Rules of ModSecurity against guessing beside ours.
use RL::Test;
use Moving;

my $so = peer('usr/lib/apache2/modules/mod_security2.so') or plan skip_all => 'ModSecurity is not here: make test-moving';
my @libraries = grep { defined } map { peer("usr/lib/*-linux-gnu/$_") } qw(liblua5.1.so.0 libyajl.so.2 libcurl-gnutls.so.4);
my $load = join '', map({ qq(LoadFile "$_"\n) } @libraries), qq(LoadModule security2_module "$so"\n);

my ($theirs, $ours) = blocks('Wrong passwords from an address');
$theirs =~ s{/var/cache/modsecurity}{\${ROOT}/run};
my ($there, $here) = (apache($load . $theirs, rl => 0, modules => ['unique_id']), apache($ours));
chmod 0777, $there->root . '/run';
my @requests = (times(10, wrong('127.0.0.2')), right('127.0.0.2'), times(2, wrong('127.0.0.3')), right('127.0.0.3'));
compares('ModSecurity, one guess after the other', [ play($there, @requests) ], [ play($here, @requests) ]);

# Passwords are to be checked slowly, that is what they are hashed for.
$_->write('conf/users', 'alice:' . crypt('secret', '$2y$08$abcdefghijklmnopqrstuu') . "\n") for $there, $here;
@requests = times(40, wrong('127.0.0.4'));
compares('ModSecurity, forty guesses at once', [ at_once($there, @requests) ], [ at_once($here, @requests) ], there => sub { $_[0] < 35 }, here => 35);

finish;
