# SPDX-License-Identifier: Apache-2.0
# The manual and the module say the same: docs/reference.md has every directive, option and key part that the module
# has, and no other, in the form of httpd's own pages; what it says of contexts and defaults holds, its examples are
# accepted, and its links lead somewhere.
use RL::Test;
use File::Find ();
use RL::Manual;

my %text = map { $_ => slurp($_) } RL::Manual::files();
my $entries = RL::Manual::entries($text{'docs/reference.md'});
my @directives = sort grep { !/ / } keys %$entries;

# The first line of an entry's examples that has the directive.
sub line_of { my ($name) = @_; return (map { /^\s*(\Q$name\E .*)$/m } @{ $entries->{$name}{examples} })[0] // $name }

my $s = httpd(<<'END', modules => [qw(info proxy proxy_http)], files => {
<Location "/server-info">
    SetHandler server-info
</Location>
<Directory "${DOCROOT}">
    AllowOverride Limit
</Directory>
END
    'conf/ratelimit.secret' => "a secret of some length\n",
    map({ ("conf/networks/$_.txt" => "192.0.2.0/24 AS64496\n198.51.100.0/24 googlebot\n") } qw(asn crawlers)),
    map { ("htdocs/at/$_/index.html" => "ok\n", "htdocs/at/$_/.htaccess" => line_of($_) . "\n") } @directives,
});

sub is_accepted {
    my ($fragment, $name) = @_;
    my ($rc, $out) = $s->check_conf($fragment);
    return ok($rc == 0, $name) || diag($out);
}

# An example gives httpd nothing to warn of, either. A table's file lies in a directory that every server has. That httpd
# asks for passwords is the site's own configuration.
sub is_good {
    my ($fragment, $name) = @_;
    $fragment .= qq{\n<Location "/">\nAuthType Basic\nAuthName x\n</Location>\n} if $fragment =~ /count=auth-/ && $fragment !~ /^\s*AuthType/m;
    $fragment =~ s{ file=\K/var/lib/apache2(?=/)}{logs};
    my ($rc, $out) = $s->check_conf($fragment);
    return ok($rc == 0 && $out !~ /^warning: /m, $name) || diag($out);
}

# A list of names has all that the module has, and no others.
sub complete {
    my ($list, $module, $name) = @_;
    my (%list, %module);
    @list{@$list} = @module{@$module} = ();
    ok scalar @$module, "$name: there are some";
    is join(' ', grep { !exists $list{$_} } sort keys %module), '', "$name: none is missing";
    is join(' ', grep { !exists $module{$_} } sort keys %list), '', "$name: none is made up";
}

# What the module says is allowed in place of a wrong word.
sub offered { my ($fragment, $re) = @_; return ($s->check_conf($fragment))[1] =~ $re ? split /,\s*/, $1 : () }

# The names in the tables of options, or kinds of key parts, of the source, wherever they lie: a list for each.
my @tables;
File::Find::find({ no_chdir => 1, wanted => sub {
    return if !/\.c\z/;
    push @tables, map { [ /\{(?:\w*PART_\w+, )?"([a-z-]+)=?",/g ] } slurp($_) =~ /\[\] = \{\n(.*?)^\};/msg;
} }, 'mod_ratelimit_cache');
sub table_with { my ($name) = @_; return map { my @t = @$_; (grep { $_ eq $name } @t) ? @t : () } @tables }

# ---- directives ------------------------------------------------------------------------------------------------------

my %help = request($s, 'GET', '/server-info?mod_ratelimit_cache.c')->body =~ m{<tt>(\w+) - <i>(.*?)</i></tt>}g;
complete(\@directives, [ keys %help ], 'directives');

my %section = (
    'server config'   => "%s\n",
    'virtual host'    => "<VirtualHost *:1>\n%s\n</VirtualHost>\n",
    'directory'       => "<Location /x>\n%s\n</Location>\n",
);
my @contexts = ('server config', 'virtual host', 'directory', '.htaccess');
for my $name (@directives) {
    my $entry = $entries->{$name};
    my $field = $entry->{fields};
    my %context = map { $_ => 1 } split /, /, $field->{Context} // '';
    is join(' ', grep { !$field->{$_} } qw(Description Syntax Default Context)), '', "$name: no line of its head is missing";
    like $field->{Syntax} // '', qr/^`\Q$name\E /, "$name: its syntax";
    is $field->{Override} // '', $context{'.htaccess'} ? 'Limit' : '', "$name: Override, if it may stand in .htaccess";
    ok $entry->{text} =~ /\w{2,}/ && @{ $entry->{examples} }, "$name: prose and an example";

    my $line = line_of($name);
    my %allowed = map { $_ => ($s->check_conf(sprintf $section{$_}, $line))[0] == 0 } keys %section;
    $allowed{'.htaccess'} = status($s, "/at/$name/") != 500;
    is join(', ', grep { $context{$_} } @contexts), join(', ', grep { $allowed{$_} } @contexts), "$name: its contexts";
    is keys %context, scalar(grep { $context{$_} } @contexts), "$name: and no other words there";

    my ($where) = grep { $context{$_} } @contexts;
    is_accepted(sprintf($section{$where}, $_), "$name: its default, $_") for grep { /^\Q$name\E / } RL::Manual::code($field->{Default});
}

# ---- options ---------------------------------------------------------------------------------------------------------

my @rule = offered("RateLimit r 5/m nonesuch=1\n", qr/option one of ([a-z, -]+)/);
my @memcached = offered("RateLimitStore memcached h nonesuch=1\n", qr/not an option; one of ([a-z, -]+)/);
my @shm = offered("RateLimitStore shm nonesuch=1\n", qr/not an option of shm; one of ([a-z, -]+)/);
complete(\@rule, [ table_with('algorithm') ], 'the error about options of RateLimit');
complete(\@memcached, [ table_with('timeout') ], 'the error about options of RateLimitStore memcached');

for ([ 'RateLimit', "RateLimit r 5/m %s\n", @rule ], [ 'RateLimitStore memcached', "RateLimitStore memcached h %s\n", @memcached ],
    [ 'RateLimitStore shm', "RateLimitStore shm %s\n", @shm ])
{
    my ($of, $line, @known) = @$_;
    complete([ map { /^\Q$of\E ([a-z-]+)=\z/ ? $1 : () } keys %$entries ], \@known, "options of $of");
    for my $option (@known) {
        my $entry = $entries->{"$of $option="} // next;
        my $field = $entry->{fields};
        is join(' ', grep { !$field->{$_} } ('Syntax', 'Default', 'Applies to')), '', "$of $option=: no line of its head is missing";
        like $field->{Syntax} // '', qr/^`\Q$option\E=/, "$of $option=: its syntax";
        ok $entry->{text} =~ /\w{2,}/, "$of $option=: prose";
        ok scalar(grep { /^\s*\Q$of\E .*\b\Q$option\E=/m } @{ $entry->{examples} }), "$of $option=: an example";
        my ($with) = ($field->{'Applies to'} // '') =~ /^`(algorithm=\S+)`/;
        is_accepted(sprintf($line, join ' ', $with // (), $_), "$of $option=: its default, $_")
            for grep { /^\Q$option\E=/ } RL::Manual::code($field->{Default});
    }
}
my @unread = grep { !/^RateLimit\w*\z/ && !/^(?:RateLimit|RateLimitStore (?:memcached|shm)) [a-z-]+=\z/ } keys %$entries;
is "@unread", '', 'no other headings in the reference';

# ---- key parts -------------------------------------------------------------------------------------------------------

my @offered = map { /^([a-z-]+)/ } offered("RateLimit r 5/m key=nonesuch\n", qr/unknown key part; one of (.*)$/m);
my @rows = map { RL::Manual::code($_) } $entries->{'RateLimit key='}{text} =~ /^\| (`.*?`) \|/mg;
complete(\@offered, [ 'ip', table_with('claimed-user') ], 'the error about key parts');
complete([ map { /^([a-z-]+)/ } @rows ], \@offered, 'key parts');
for my $part (@rows) {
    my $key = $part =~ s/V4BITS/24/r =~ s/V6BITS/48/r =~ s/STRING/%{HTTP:A}/r;
    my $also = $part =~ /^network:/ ? "RateLimitNetworks NAME file:conf/networks/asn.txt\n" : '';
    is_accepted("${also}RateLimit r 5/m key=$key\n", "key part $part");
}

# ---- examples, links, README -----------------------------------------------------------------------------------------

for my $file (sort keys %text) {
    my $n = 0;
    is_good($_, "$file: example " . ++$n) for RL::Manual::of_kind(apache => $text{$file});

    my @dead;
    for my $link (grep { !/^\w+:/ } RL::Manual::links($text{$file})) {
        my ($path, $anchor) = split /#/, $link, 2;
        my $target = $path eq '' ? $file : ($file =~ s{[^/]+\z}{}r . $path) =~ s{[^/]+/\.\./}{}r;
        push @dead, $link if !-e $target || defined $anchor && !grep { $_ eq $anchor } RL::Manual::anchors(slurp($target));
    }
    is "@dead", '', "$file: its links lead somewhere";
}
is_good(slurp($_), "$_: accepted as it is") for glob 'conf/examples/*.conf';
my $conf = slurp('conf/ratelimit_cache.conf');
is join(' ', grep { $conf !~ /^# *$_ /m } @directives), '', 'conf/ratelimit_cache.conf: every directive, commented';
is join(' ', grep { $conf !~ /\b$_=/ } @rule, @memcached), '', 'conf/ratelimit_cache.conf: every option';
is_good($conf =~ s/^#(?=RateLimit)//mgr =~ s/^RateLimitSecret file:\K\S+/conf\/ratelimit.secret/mr =~ s/file:\K\/etc\/apache2(?=\/networks)/conf/r, 'and what it has commented is accepted');

my %linked = map { s/#.*//r => 1 } RL::Manual::links($text{'README.md'});
is join(' ', grep { !$linked{$_} } grep { /^docs/ } sort keys %text), '', 'README.md leads to every document';
my $lines = () = $text{'README.md'} =~ /\n/g;
cmp_ok $lines, '<=', 150, 'README.md is a door, not a manual';

finish allow => qr/not allowed here/;
