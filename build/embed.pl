#!/usr/bin/perl
# SPDX-License-Identifier: Apache-2.0
# Writes files as texts of C to standard output: page.css becomes rl_asset_page_css. Comments and indentation are left out.
# In a .policy, {page.css} stands for the SHA-256 of that text, as Content-Security-Policy wants it, and lines are joined.
# Usage: embed.pl FILE...     (a .policy after what it names)
use strict;
use warnings;
use Digest::SHA qw(sha256);
use File::Basename qw(basename);
use MIME::Base64 qw(encode_base64);

sub read_text {
    my ($file) = @_;
    open my $fh, '<:raw', $file or die "$file: $!\n";
    local $/ = undef;
    return <$fh>;
}

# A comment stands on lines of its own, or between declarations of a style.
my %STRIP = (
    css    => sub { $_[0] =~ s{/\*.*?\*/}{}gsr },
    js     => sub { $_[0] =~ s{^\s*//[^\n]*\n}{}gmr },
    policy => sub { $_[0] =~ s{\s*\n\s*}{ }gr =~ s{\A\s+|\s+\z}{}gr },
);

sub squeezed { my ($text) = @_; return $text =~ s{^[ \t]+|[ \t]+$}{}gmr =~ s{\n{2,}}{\n}gr =~ s{\A\n}{}r }

sub source_of { my ($text) = @_; return 'sha256-' . encode_base64(sha256($text), '') }

sub as_c {
    my ($name, $text) = @_;
    my @lines = map { s/([\\"?])/\\$1/gr =~ s/\n/\\n/r } $text =~ /([^\n]*\n|[^\n]+\z)/g;
    return "\nconst char rl_asset_$name\[] =\n" . join("\n", map { qq(    "$_") } @lines) . ";\n";
}

my %source;
print "/* Made by build/embed.pl. */\n#include \"assets.h\"\n";
for my $file (@ARGV) {
    my $name = basename($file);
    my ($kind) = $name =~ /\.(\w+)\z/;
    my $strip = $STRIP{ $kind // '' } or die "$file: what is it?\n";
    my $text = squeezed($strip->(read_text($file)));
    die "$file: it would end its own element\n" if $text =~ m{</}i;
    die "$file: bytes that aren't ASCII\n" if $text =~ /[^\n\x20-\x7e]/;
    $text =~ s/\{([\w.]+)\}/$source{$1} \/\/ die "$file: no $1 before it\n"/ge if $kind eq 'policy';
    $source{$name} = source_of($text);
    print as_c($name =~ tr/./_/r, $text);
}
