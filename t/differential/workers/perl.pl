#!/usr/bin/perl
# SPDX-License-Identifier: Apache-2.0
# Workers for parsers in Perl: perl.pl PARSER. See ../README.md.
use strict;
use warnings;
use MIME::Base64;

my ($type, $body);

sub is_query { return $type eq '?' }

sub environment {
    return ((is_query() ? (REQUEST_METHOD => 'GET', QUERY_STRING => $body)
            : (REQUEST_METHOD => 'POST', CONTENT_TYPE => $type, CONTENT_LENGTH => length $body, QUERY_STRING => '')),
        GATEWAY_INTERFACE => 'CGI/1.1', SERVER_PROTOCOL => 'HTTP/1.1', SERVER_NAME => 'a', SERVER_PORT => 80,
        SCRIPT_NAME => '', PATH_INFO => '/', REQUEST_URI => '/', HTTP_HOST => 'a', 'psgi.url_scheme' => 'http');
}

sub with_stdin {
    my ($read, %more) = @_;
    local %ENV = (PATH => $ENV{PATH}, environment(), %more);
    local *STDIN;
    open STDIN, '<', \$body or die $!;
    return $read->();
}

sub psgi_environment {
    open my $input, '<', \$body or die $!;
    return {environment(), 'psgi.input' => $input, 'psgi.version' => [1, 1], 'psgi.errors' => \*STDERR};
}

sub cgi_pm {
    my ($name, %more) = @_;
    return with_stdin(sub {
        require CGI;
        CGI::initialize_globals();
        my $q = CGI->new;
        die $q->cgi_error if $q->cgi_error;
        no warnings;
        $CGI::LIST_CONTEXT_WARN = 0;
        return map {"$_"} $q->multi_param($name);
    }, %more);
}

my %parsers = (
    'cgi.pm' => \&cgi_pm,
    'cgi.pm-mac' => sub { cgi_pm($_[0], HTTP_USER_AGENT => 'MSIE 3.02; Mac') },
    'cgi-simple' => sub {
        my ($name) = @_;
        return with_stdin(sub {
            require CGI::Simple;
            my $q = CGI::Simple->new;
            die $q->cgi_error if $q->cgi_error;
            return $q->param($name);
        });
    },
    'plack' => sub {
        require Plack::Request;
        my $r = Plack::Request->new(psgi_environment());
        return (is_query() ? $r->query_parameters : $r->body_parameters)->get_all($_[0]);
    },
    'http-body' => sub {    # Catalyst
        die 'query' if is_query();
        require HTTP::Body;
        my $form = HTTP::Body->new($type, length $body);
        $form->add($body);
        my $value = $form->param->{$_[0]};
        return ref $value ? @$value : $value;
    },
    'mojolicious' => sub {
        require Mojo::Message::Request;
        my $r = Mojo::Message::Request->new;
        $r->parse(is_query() ? "GET /?$body HTTP/1.1\r\nHost: a\r\n\r\n" :
            "POST / HTTP/1.1\r\nHost: a\r\nContent-Type: $type\r\nContent-Length: " . length($body) . "\r\n\r\n$body");
        die $r->error->{message} if $r->error;
        die 'unfinished' unless $r->is_finished;
        return @{$r->every_param($_[0])};
    },
    # What hand-written programs do.
    'split' => sub {
        die 'type' unless is_query() || $type =~ m{^application/x-www-form-urlencoded}i;
        my @values;
        for my $pair (split /&/, $body) {
            my ($n, $v) = split /=/, $pair;
            for ($n, $v) {
                next unless defined;
                tr/+/ /;
                s/%([a-fA-F0-9][a-fA-F0-9])/pack('C', hex $1)/eg;
            }
            push @values, $v if defined $n && $n eq $_[0];
        }
        return @values;
    },
    # x2c() of NCSA's programs, also mod_auth_form's.
    'x2c' => sub {
        die 'type' unless is_query() || $type =~ m{^application/x-www-form-urlencoded}i;
        my $x2c = sub {
            my ($digit) = map {ord} @_;
            return $digit >= ord 'A' ? ($digit & 0xdf) - ord('A') + 10 : $digit - ord '0';
        };
        my @values;
        for my $pair (split /&/, $body) {
            my ($n, $v) = split /=/, $pair, 2;
            for ($n, $v) {
                next unless defined;
                tr/+/ /;
                s/%(.)(.)/chr(($x2c->($1) * 16 + $x2c->($2)) & 255)/gse;
                s/\0.*//s;
            }
            push @values, $v // '' if defined $n && $n eq $_[0];
        }
        return @values;
    },
);

my $parser = $parsers{$ARGV[0] // ''} or die "usage: $0 " . join('|', sort keys %parsers) . "\n";
my $in = \*STDIN;
open my $frames, '<&', $in or die $!;
open my $answers, '>&', \*STDOUT or die $!;
$answers->autoflush(1);
open STDERR, '>', '/dev/null';

while (my $line = <$frames>) {
    ($type, $body, my $name) = map { $_ eq '-' ? '' : decode_base64($_) } split ' ', $line;
    my @values = eval { local $SIG{__WARN__} = sub { }; $parser->($name) };
    if ($@) {
        my $why = substr $@, 0, 80;
        $why =~ s/\s+/ /g;
        print $answers "E $why\n";
        next;
    }
    @values = grep {defined} @values;
    for (@values) {
        utf8::encode($_) if utf8::is_utf8($_);
        $_ = length $_ ? encode_base64($_, '') : '-';
    }
    print $answers @values ? "V @values\n" : "N\n";
}
