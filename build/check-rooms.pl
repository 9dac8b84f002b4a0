#!/usr/bin/perl
# SPDX-License-Identifier: Apache-2.0
# Holds the house of mod_ratelimit_cache/: which rooms there are, that includes and calls go only downward between them,
# that no two files need each other, which system headers a room may use, and that a file-local name stands in one file.
# Prints every offence as file:line: text, and fails when there is one. docs/architecture.md has the same list of rooms,
# in the same order; that is held, too.
# Usage: check-rooms.pl [--graph]     (from the top of the tree; --graph prints which room calls which)
use strict;
use warnings;

my $SRC = 'mod_ratelimit_cache';

# The rooms, lowest first: each may use those before it. `may` narrows that down. `system` says which system headers
# it may use: plain (the C library without files, clocks, processes and sockets, and APR), unix (anything but httpd's),
# or httpd.
my @ROOMS = (
    { name => 'core',                 system => 'plain', may => [] },
    { name => 'core/form',            system => 'plain', may => ['core'] },
    { name => 'core/meter',           system => 'plain', may => ['core'] },
    { name => 'core/pass',            system => 'plain', may => ['core'] },
    { name => 'networks',             system => 'unix',  may => ['core'] },
    { name => 'system',               system => 'unix',  may => [] },
    { name => 'busy',                 system => 'unix',  may => ['core'] },
    { name => 'stats',                system => 'plain', may => [qw(core core/meter system)] },
    { name => 'ledger',               system => 'plain', may => [qw(core core/meter system)] },
    { name => 'ledger/file',          system => 'unix',  may => [qw(core ledger)] },
    { name => 'concurrent',           system => 'unix',  may => [qw(core system)] },
    { name => 'fleet',                system => 'plain', may => [qw(core core/meter system ledger)] },
    { name => 'lease',                system => 'plain', may => [qw(core core/meter system ledger fleet)] },
    { name => 'memcached/connection', system => 'unix',  may => ['system'] },
    { name => 'memcached',            system => 'unix',  may => [qw(core system stats fleet memcached/connection)] },
    { name => 'limiter',              system => 'plain', may => [qw(core core/meter ledger concurrent fleet lease)] },
    { name => 'httpd',                system => 'httpd', may => ['core'] },
    { name => 'key',                  system => 'httpd', may => [qw(core core/form core/pass networks httpd)] },
    { name => 'rule',                 system => 'httpd', may => [qw(core core/meter fleet httpd key)] },
    { name => 'config',               system => 'httpd', may => [qw(core core/meter busy networks stats ledger fleet lease memcached httpd rule)] },
    { name => 'advice',               system => 'httpd', may => [qw(core core/meter networks fleet httpd key rule config)] },
    { name => 'process',              system => 'httpd', may => [qw(core core/meter system busy stats ledger ledger/file concurrent fleet lease memcached httpd rule config)] },
    { name => 'request',              system => 'httpd', may => [qw(core core/meter core/pass system stats ledger ledger/file concurrent fleet limiter httpd key rule config process)] },
    { name => 'answer/text',          system => 'plain', may => ['core'] },
    { name => 'challenge',            system => 'httpd', may => [qw(core core/meter core/pass fleet limiter httpd rule config process request answer/text)] },
    { name => 'answer',               system => 'httpd', may => [qw(core core/meter limiter httpd key rule config request answer/text public)] },
    { name => 'hooks',                system => 'httpd', may => [qw(core core/form core/meter core/pass concurrent fleet limiter httpd key rule config process request answer/text challenge answer public)] },
    { name => 'api',                  system => 'httpd', may => [qw(core core/meter stats fleet limiter rule config process request public)] },
    { name => 'accesslog',            system => 'unix',  may => ['core'] },
    { name => 'census',               system => 'plain', may => ['core'] },
    { name => 'replay',               system => 'httpd', may => [qw(core core/meter networks ledger fleet limiter memcached httpd key rule config process request accesslog census)] },
    { name => 'status/text',          system => 'plain', may => [qw(core system stats)] },
    { name => 'status/page',          system => 'plain', may => [qw(core system stats status/text)] },
    { name => 'status',               system => 'httpd', may => [qw(core core/meter system busy stats ledger concurrent fleet limiter memcached httpd key rule config process request status/text status/page public)] },
    { name => 'module',               system => 'httpd', may => [qw(httpd key config advice process request answer hooks api replay status public)] },
);
my %ROOM = map { $_->{name} => $_ } @ROOMS;
my $FILES_MAX = 16;    # .c files in one room

my %C_HEADER = map { $_ => 1 } qw(arpa/inet.h assert.h ctype.h errno.h inttypes.h limits.h stdarg.h stdatomic.h stdbool.h
    stddef.h stdint.h stdio.h stdlib.h string.h strings.h);

# The one library that a file exists for.
my %OWN_LIBRARY = (
    "$SRC/core/fold.c"           => 'utf8proc.h',
    "$SRC/memcached/handle.h"    => 'libmemcached/memcached.h',
);


my $failed = 0;

sub offence {
    my ($file, $line, $text) = @_;
    print "$file:$line: $text\n";
    $failed = 1;
    return;
}

# ---- the tree ----

sub slurp_lines {
    my ($file) = @_;
    open my $fh, '<', $file or die "$file: $!\n";
    my @lines = <$fh>;
    close $fh;
    return \@lines;
}

# The room of a file: its folder; the two files at the top are the module record and the public header.
sub room_of {
    my ($file) = @_;
    return 'module' if $file eq "$SRC/mod_ratelimit_cache.c";
    return 'public' if $file eq "$SRC/mod_ratelimit_cache.h";
    return $file =~ m{\A\Q$SRC\E/(.+)/[^/]+\z} ? $1 : '';
}

# A .c file and the header of the same name are one unit; the public header is one by itself.
sub unit_of { my ($file) = @_; return room_of($file) eq 'public' ? $file : $file =~ s/\.[ch]\z//r }

# "a/b" and "../c.h" give "c.h"... as the compiler finds it from the including file's folder.
sub resolve {
    my ($file, $header) = @_;
    my @parts = split m{/}, $file;
    pop @parts;
    for my $part (split m{/}, $header) {
        if ($part eq '..') { pop @parts }
        else               { push @parts, $part }
    }
    return join '/', @parts;
}

my @files = sort split /\n/, `find $SRC -type f -name '*.[ch]'`;
my %lines = map { $_ => slurp_lines($_) } @files;

# Without comments and strings, line by line.
sub code_of {
    my ($file) = @_;
    my $text = join '', @{ $lines{$file} };
    $text =~ s{(/\*.*?\*/|//[^\n]*|"(?:\\.|[^"\\])*")}{ my $all = $1; $all =~ tr/\n//cd; $all }gse;
    return split /\n/, $text;
}

sub check_rooms_exist {
    my %found;
    $found{ room_of($_) }++ for grep { /\.c\z/ } @files;
    for my $room (map { $_->{name} } @ROOMS) {
        offence('build/check-rooms.pl', 0, "there is no room $room in $SRC/") if !$found{$room};
    }
    for my $file (@files) {
        my $room = room_of($file);
        offence($file, 1, "the room '$room' is not known to build/check-rooms.pl") if $room ne 'public' && !$ROOM{$room};
    }
    for my $room (sort keys %found) {
        offence("$SRC/$room", 0, "$found{$room} source files are a crowd: more than $FILES_MAX") if $found{$room} > $FILES_MAX;
    }
    return;
}

# A folder that nothing is in any more tells of a room that isn't one.
sub check_folders {
    for my $folder (split /\n/, `find $SRC -mindepth 1 -type d`) {
        my $room = $folder =~ s{\A\Q$SRC\E/}{}r;
        offence($folder, 0, 'a folder that is no room') if !$ROOM{$room} && !grep { m{\A\Q$room\E/} } keys %ROOM;
    }
    return;
}

# ---- includes ----

my %needs;    # unit => { unit needed => "file:line" }

sub may_use {
    my ($from, $to) = @_;
    return 1 if $from eq $to;
    return scalar grep { $_ eq $to } @{ $ROOM{$from}{may} };
}

sub check_own_include {
    my ($file, $line, $header) = @_;
    my $target = resolve($file, $header);
    my ($from, $to) = (room_of($file), room_of($target));
    if (!$lines{$target}) {
        offence($file, $line, qq("$header" is not found from here: write the path from this file's folder));
    }
    elsif ($header =~ /\.c\z/ || ($from ne 'public' && !may_use($from, $to))) {
        offence($file, $line, qq($from may not include "$header" ($to); it may use: @{ $ROOM{$from}{may} }));
    }
    $needs{ unit_of($file) }{ unit_of($target) } //= "$file:$line" if unit_of($file) ne unit_of($target);
    return;
}

sub may_use_system {
    my ($kind, $header) = @_;
    my $httpd = $header =~ /\A(?:httpd|ap_\w+|http_\w+|util_\w+|mod_\w+|mpm_\w+|scoreboard|unixd)\.h\z/;
    return 1 if $kind eq 'httpd';
    return !$httpd if $kind eq 'unix';
    return $C_HEADER{$header} || $header =~ /\Aapr_\w+\.h\z/;
}

sub check_system_include {
    my ($file, $line, $header) = @_;
    my $room = room_of($file);
    return if ($OWN_LIBRARY{$file} // '') eq $header || $room eq 'public';
    if ($header =~ /\A(?:libmemcached|utf8proc)/) {
        my %home = reverse %OWN_LIBRARY;
        offence($file, $line, "<$header> belongs to one file only: " . ($home{$header} // 'none'));
    }
    elsif (!may_use_system($ROOM{$room}{system}, $header) || ($room =~ /\Acore/ && $header eq 'stdatomic.h')) {
        offence($file, $line, "$room may not include <$header>");
    }
    return;
}

sub check_includes {
    my ($file) = @_;
    my $n = 0;
    for my $text (@{ $lines{$file} }) {
        $n++;
        my ($quote, $header) = $text =~ /^\s*#\s*include\s*([<"])([^>"]+)[>"]/ or next;
        if ($quote eq '"') { check_own_include($file, $n, $header) }
        else               { check_system_include($file, $n, $header) }
    }
    return;
}

# ---- calls ----

# Functions and file-local functions by the file that defines them. clang-format puts a function's opening brace at the
# start of a line of its own; what stands before it, back to an empty line or a closing brace, is its head.
my (%global, %local);

sub find_functions {
    my ($file) = @_;
    my @code = code_of($file);
    for my $i (1 .. $#code) {
        next if $code[$i] !~ /^\{\s*$/;
        my $head = '';
        for (my $j = $i - 1; $j >= 0 && $code[$j] !~ /^\s*$|^\}|^#|;\s*$/; $j--) { $head = "$code[$j] $head" }
        $head =~ s/__attribute__\s*\(\(.*?\)\)//;
        my ($name) = $head =~ /(\w+)\s*\(/ or next;
        if ($head =~ /\bstatic\b/) { push @{ $local{$name} }, "$file:" . ($i + 1) }
        else                       { $global{$name} = $file }
    }
    return;
}

sub check_calls {
    my ($file) = @_;
    my $n = 0;
    for my $text (code_of($file)) {
        $n++;
        for my $word ($text =~ /\b(rl_\w+)\b/g) {
            my $home = $global{$word} or next;
            next if unit_of($home) eq unit_of($file);
            $needs{ unit_of($file) }{ unit_of($home) } //= "$file:$n";
            my ($from, $to) = (room_of($file), room_of($home));
            offence($file, $n, "$from may not call $word() ($to)") if $from ne 'public' && !may_use($from, $to);
        }
    }
    return;
}

sub check_local_names {
    for my $name (sort keys %local) {
        my %in = map { s/:\d+\z//r => 1 } @{ $local{$name} };
        my ($file, $line) = $local{$name}[0] =~ /(.*):(\d+)/;
        offence($file, $line, "$name() is a file-local function in other files, too (" . join(', ', sort keys %in) . '): give it its file\'s subject')
            if keys %in > 1;
    }
    return;
}

# ---- circles ----

# Follows what units need from one on; prints the way when it comes back to a unit that it is in.
my (%done, @way);

sub follow {
    my ($unit) = @_;
    return if $done{$unit};
    my ($at) = grep { $way[$_] eq $unit } 0 .. $#way;
    if (defined $at) {
        my @circle = (@way[ $at .. $#way ], $unit);
        my ($file, $line) = $needs{ $circle[-2] }{$unit} =~ /(.*):(\d+)/;
        offence($file, $line, 'files need each other in a circle: ' . join(' -> ', map { s{\A\Q$SRC\E/}{}r } @circle));
        return;
    }
    push @way, $unit;
    follow($_) for sort keys %{ $needs{$unit} // {} };
    pop @way;
    $done{$unit} = 1;
    return;
}

# ---- the document ----

# docs/architecture.md lists the rooms in a table whose rows begin with | `room` |.
sub check_document {
    my $document = 'docs/architecture.md';
    return offence($document, 0, 'is missing') if !-e $document;
    my @told = map { /^\| `([\w\/]+?)\/?` \|/ ? $1 : () } @{ slurp_lines($document) };
    my @rooms = grep { $_ ne 'module' } map { $_->{name} } @ROOMS;
    my %seen = map { $_ => 1 } @told;
    offence($document, 0, "says nothing of the room $_") for grep { !$seen{$_} } @rooms;
    my $n = 0;
    for my $text (@{ slurp_lines($document) }) {
        $n++;
        for my $path ($text =~ /`((?:t|build|conf|docs)\/[\w.\/-]+)`/g) { offence($document, $n, "$path is not there") if !-e $path }
    }
    offence($document, 0, 'lists the rooms in another order than build/check-rooms.pl: ' . join ' ', @rooms)
        if (join ' ', grep { $ROOM{$_} } @told) ne join ' ', @rooms;
    return;
}

sub print_graph {
    my %uses;
    for my $unit (keys %needs) {
        my $from = room_of($unit =~ /\.h\z/ ? $unit : "$unit.c");
        for my $needed (keys %{ $needs{$unit} }) {
            my $to = room_of($needed =~ /\.h\z/ ? $needed : "$needed.h");
            $uses{$from}{$to}++ if $from ne $to;
        }
    }
    my %count;
    $count{ room_of($_) }++ for @files;
    for my $room (map { $_->{name} } @ROOMS) {
        my $total = 0;
        $total += @{ $lines{$_} } for grep { room_of($_) eq $room } @files;
        printf "%-21s %3d files %5d lines   uses %s\n", $room, $count{$room}, $total, join ' ', sort keys %{ $uses{$room} // {} };
    }
    return;
}

check_rooms_exist();
check_folders();
find_functions($_) for grep { /\.c\z/ } @files;
check_includes($_) for @files;
check_calls($_)    for grep { /\.c\z/ } @files;
check_local_names();
follow($_) for sort keys %needs;
check_document();
print_graph() if @ARGV && $ARGV[0] eq '--graph';
exit $failed;
