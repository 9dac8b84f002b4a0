# SPDX-License-Identifier: Apache-2.0
# What httpd itself tells of the module: /server-info and -D DUMP_CONFIG show the configuration without a secret, -M knows
# the module, and -L explains each directive in a sentence.
use RL::Test;
use RL::Conf;

my $info = <<'END';
<Location /server-info>
    SetHandler server-info
</Location>
<Location /ok>
    RateLimit r 9/30d
</Location>
END

# What a command line of httpd prints for a server's configuration.
sub said {
    my ($s, $options) = @_;
    my $binary = RL::Conf::binary();
    return scalar `'$binary' -d '$s->{root}' -f conf/httpd.conf $options 2>&1`;
}

for my $case (
    [ 'in the configuration', 'RateLimitSecret quite-secret' ],
    [ 'in quotes', 'RateLimitSecret "quite-secret"' ],
    [ 'inside of <IfModule>', "<IfModule ratelimit_cache_module>\nRateLimitSecret quite-secret\n</IfModule>" ],
    [ 'in a variable', "Define SECRET quite-secret\nRateLimitSecret \${SECRET}" ],
    [ 'in a file', 'RateLimitSecret file:conf/secret' ],
) {
    my ($where, $conf) = @$case;
    my $s = httpd("$conf\n$info", modules => ['info'], files => { 'conf/secret' => "quite-secret\n" });
    my $page = request($s, 'GET', '/server-info')->body;
    like $page, qr/RateLimitSecret/, "a secret $where: /server-info has the directive";
    unlike $page, qr/quite-secret/, "a secret $where: /server-info doesn't have the secret";
    my $tag = (logged($s, 'GET', '/ok'))[1]{key};
    $s->reload;
    unlike request($s, 'GET', '/server-info')->body, qr/quite-secret/, "a secret $where: nor after a reload";
    is((logged($s, 'GET', '/ok'))[1]{key}, $tag, "a secret $where: it is the same after a reload");
    my $dump = said($s, '-t -D DUMP_CONFIG');
    like $dump, qr/RateLimitSecret.*RateLimit r 9\/30d/s, "a secret $where: -D DUMP_CONFIG shows the module's lines";
    unlike $dump, qr/quite-secret/, "a secret $where: -D DUMP_CONFIG doesn't show the secret";
}

my $s = httpd('', modules => ['info']);
like said($s, '-M'), qr/^ ratelimit_cache_module \(shared\)$/m, '-M lists the module';

my %help = said($s, '-L') =~ /^(RateLimit\w*) \(mod_ratelimit_cache\.c\)\n\t(.*)\n/mg;
cmp_ok scalar(keys %help), '>', 15, '-L lists the directives';
is join(' ', grep { $help{$_} !~ /\A[A-Z][a-z]+s? .*\.\z/ || $help{$_} =~ /[<>&]/ } sort keys %help), '',
    'each help text is a sentence, which also a web page can show';

finish;
