# SPDX-License-Identifier: Apache-2.0
# The dashboard is what Grafana's own schema says that a dashboard is, with its panels' options. Debian has no Grafana; npm has
# its schema.
use RL::Test;
use Cwd qw(abs_path);
use File::Path qw(make_path);

my ($npm) = grep { -x } map { "$_/npm" } split /:/, $ENV{PATH};
plan skip_all => 'npm is not here' if !$npm;
my $dir = ($ENV{RL_OUT} // 'out') . '/grafana';
my @packages = qw(@grafana/schema@13.2 ts-json-schema-generator@2 ajv@8);
if (!-d "$dir/node_modules/ajv") {
    make_path($dir);
    system "echo '{}' >$dir/package.json; npm install --prefix $dir --no-audit --no-fund --ignore-scripts --silent @packages >$dir/npm.log 2>&1";
    plan skip_all => 'npm does not give ' . join ' ', @packages if $?;
}
$ENV{NODE_PATH} = abs_path("$dir/node_modules");

sub complaints { my ($file) = @_; return scalar `node t/apps/grafana/check.js '$file' 2>&1` }

my $board = 'conf/monitoring/grafana-dashboard.json';
is complaints($board), "checked\n", "Grafana's schema has nothing against the dashboard";

# That it would have.
open my $worse, '>', "$dir/worse.json" or die $!;
print {$worse} slurp($board) =~ s/"colorMode": "background"/"colorMode": "backgroud"/r =~ s/"gridPos"/"gridPosition"/r;
close $worse;
like complaints("$dir/worse.json"), qr/gridPosition.*colorMode/s, 'and would have, if it were wrong';
finish;
