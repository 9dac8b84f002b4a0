# SPDX-License-Identifier: Apache-2.0
# What is written in several places is the same in all of them: the version in the header, in CHANGES, and in what httpd
# says when it starts.
use RL::Test;

my %part = slurp('mod_ratelimit_cache/mod_ratelimit_cache.h') =~ /^#define RATELIMIT_VERSION_(\w+) +"?([^"\n]*)"?$/mg;
my $version = join('.', map { $part{$_} // '?' } qw(MAJOR MINOR PATCH)) . ($part{SUFFIX} // '?');
like $version, qr/\A\d+\.\d+\.\d+(?:-dev)?\z/, 'the header has a version';

my ($latest, $note) = slurp('CHANGES') =~ /\AChanges with mod_ratelimit_cache (\S+)(.*)/;
is $latest, $version, 'the first entry of CHANGES is about the version in the header';
is $note, $version =~ /-dev/ ? ' (not released)' : '', 'CHANGES says of a -dev version, and of no other, that it is not released';

my $s = httpd('');
like join("\n", $s->log_lines(0)), qr{ mod_ratelimit_cache/\Q$version\E(?: \S+)* configured -- resuming normal operations},
    'the start-up line names the version in the header';
is request($s, 'GET', '/ok')->header('Server') =~ s/.* //r, "mod_ratelimit_cache/$version", 'clients see it under ServerTokens Full';

$s = httpd('ServerTokens Prod');
is request($s, 'GET', '/ok')->header('Server'), 'Apache', 'clients see no version under ServerTokens Prod';
like join("\n", $s->log_lines(0)), qr{ mod_ratelimit_cache/\Q$version\E }, 'the start-up line names it under ServerTokens Prod';

finish;
