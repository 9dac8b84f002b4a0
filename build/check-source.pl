#!/usr/bin/perl
# Holds two things that STYLE and the design ask for, and that no other tool here checks:
# includes point one way, and no function or file grows too long. Prints every offence as
# file:line: text, and fails when there is one.
# Usage: check-source.pl FILE...     (from the top of the tree)
use strict;
use warnings;

my $FUNCTION_LINES = 60;
my $FILE_LINES     = 600;

# core <- store <- limiter <- httpd <- module record. Each room is told by its path; a file may
# include the rooms listed, by the path it has to write to get there.
my $SRC   = 'mod_ratelimit_cache';
my @ROOMS = (
    { name => 'core',    path => qr{\A$SRC/core/},    may => [qw(core)],               system => \&plain_only },
    { name => 'store',   path => qr{\A$SRC/store/},   may => [qw(core store)],         system => \&no_httpd },
    { name => 'limiter', path => qr{\A$SRC/limiter\.}, may => [qw(core store limiter)], system => \&no_httpd },
    { name => 'rlctl',   path => qr{\A$SRC/rlctl/},   may => [qw(core rlctl)],         system => \&no_httpd },
    { name => 'httpd',   path => qr{\A$SRC/httpd/},   may => [qw(core store limiter httpd export)], system => \&anything },
    { name => 'export',  path => qr{\A$SRC/mod_ratelimit_cache\.h\z}, may => [],       system => \&anything },
    { name => 'module',  path => qr{\A$SRC/mod_ratelimit_cache\.c\z},
        may => [qw(core store limiter httpd export)], system => \&anything },
);

# What core may use: the C library without files, clocks, processes and sockets (arpa/inet.h is
# there for inet_pton), and APR.
my %C_HEADER = map { $_ => 1 } qw(arpa/inet.h assert.h ctype.h errno.h inttypes.h limits.h stdarg.h stdbool.h
    stddef.h stdint.h stdio.h stdlib.h string.h strings.h);

# The one library that a file exists for.
my %OWN_LIBRARY = (
    "$SRC/core/fold.c"       => 'utf8proc.h',
    "$SRC/store/memcached.c" => 'libmemcached/memcached.h',
);

my $failed = 0;

sub offence {
    my ($file, $line, $text) = @_;
    print "$file:$line: $text\n";
    $failed = 1;
    return;
}

sub plain_only { my ($header) = @_; return $C_HEADER{$header} || $header =~ /\Aapr_\w+\.h\z/ }
sub no_httpd   { my ($header) = @_; return $header !~ /\A(?:httpd|ap_\w+|http_\w+|util_\w+|mod_\w+|mpm_\w+|scoreboard|unixd)\.h\z/ }
sub anything   { return 1 }

sub room_of {
    my ($file) = @_;
    my ($room) = grep { $file =~ $_->{path} } @ROOMS;
    return $room;
}

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

sub check_own_header {
    my ($file, $line, $room, $header) = @_;
    my $target = resolve($file, $header);
    my $there  = room_of($target);
    if (!-e $target) {
        offence($file, $line, qq("$header" is not found from here: write the path from this file's folder));
    }
    elsif (!$there || $header =~ /\.c\z/ || !grep { $_ eq $there->{name} } @{ $room->{may} }) {
        my $where = $there ? $there->{name} : 'outside';
        offence($file, $line, qq($room->{name} may not include "$header" ($where); it may include: @{ $room->{may} }));
    }
    return;
}

sub check_system_header {
    my ($file, $line, $room, $header) = @_;
    return if ($OWN_LIBRARY{$file} // '') eq $header;
    if ((grep { $_ eq $header } values %OWN_LIBRARY) || $header =~ /\A(?:libmemcached|utf8proc)/) {
        my %home = reverse %OWN_LIBRARY;
        offence($file, $line, "<$header> belongs to one file only: " . ($home{$header} // 'none'));
    }
    elsif (!$room->{system}->($header)) {
        offence($file, $line, "$room->{name} may not include <$header>");
    }
    return;
}

sub check_includes {
    my ($file, $lines) = @_;
    my $room = room_of($file) or return;
    for my $i (0 .. $#$lines) {
        my ($quote, $header) = $lines->[$i] =~ /^\s*#\s*include\s*([<"])([^>"]+)[>"]/ or next;
        # httpd's own headers are sometimes written in quotes.
        my $own = $quote eq '"' && ($header =~ m{/} || -e resolve($file, $header));
        if ($own) { check_own_header($file, $i + 1, $room, $header) }
        else      { check_system_header($file, $i + 1, $room, $header) }
    }
    return;
}

# clang-format puts a function's braces at the start of a line, each alone; a structure's
# closing brace has a semicolon or a name behind it.
sub check_functions {
    my ($file, $lines) = @_;
    my $start;
    for my $i (0 .. $#$lines) {
        $start = $i if $lines->[$i] =~ /^\{\s*$/;
        next if !defined $start || $lines->[$i] !~ /^\}\s*$/;
        my $length = $i - $start - 1;
        offence($file, $start + 1, "this function has $length lines, more than $FUNCTION_LINES") if $length > $FUNCTION_LINES;
        $start = undef;
    }
    return;
}

sub check_subs {
    my ($file, $lines) = @_;
    my $start;
    for my $i (0 .. $#$lines) {
        $start = $i if $lines->[$i] =~ /^sub \w+ \{\s*$/;
        next if !defined $start || $lines->[$i] !~ /^\}\s*$/;
        my $length = $i - $start - 1;
        offence($file, $start + 1, "this sub has $length lines, more than $FUNCTION_LINES") if $length > $FUNCTION_LINES;
        $start = undef;
    }
    return;
}

for my $file (@ARGV) {
    open my $fh, '<', $file or die "$file: $!\n";
    my @lines = <$fh>;
    close $fh;
    my $n = @lines;
    offence($file, $n, "this file has $n lines, more than $FILE_LINES: it has become two") if $n > $FILE_LINES;
    if ($file =~ /\.[ch]\z/) {
        check_includes($file, \@lines);
        check_functions($file, \@lines);
    }
    elsif ($file =~ /\.(?:pl|pm|t|cgi)\z/) {
        check_subs($file, \@lines);
    }
}
exit $failed;
