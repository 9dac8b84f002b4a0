# SPDX-License-Identifier: Apache-2.0
package RL::Status;

# What the status page at /rl tells of a server. A test adds `statuspage()` to its fragment.
#
#   my $figures = figures($s);                    # the decoded JSON
#   my $rule = rule($figures, 'login');           # its entry; rule($figures, 'login', 'two.test') of one virtual host
#   is told($s, 'login'), 'allowed=3 denied=2', 'name';    # what isn't 0 of a rule's figures

use strict;
use warnings;
use Exporter qw(import);
use JSON::PP ();

use RL::Client;

our @EXPORT = qw(statuspage figures rule told keys_of store_server);

sub statuspage { return qq(<Location "/rl">\n    SetHandler ratelimit-status\n</Location>\n) }

sub page {
    my ($s, $query) = @_;
    return RL::Client->new(port => $s->port)->request('GET', "/rl?$query", keepalive => 0);
}

sub figures { my ($s) = @_; return JSON::PP->new->utf8->decode(page($s, 'format=json')->body) }

sub rule {
    my ($figures, $name, $vhost) = @_;
    my ($rule) = grep { $_->{name} eq $name && (!defined $vhost || $_->{vhost} eq $vhost) } @{ $figures->{rules} };
    return $rule;
}

my @FIGURES = qw(allowed denied observed other error refunded cleared missing);

sub told {
    my ($s, $name, $vhost) = @_;
    my $rule = rule(figures($s), $name, $vhost) // return 'no such rule';
    return join ' ', map { "$_=$rule->{$_}" } grep { $rule->{$_} } @FIGURES;
}

sub keys_of { my ($figures, $name) = @_; return grep { $_->{rule} eq $name } @{ $figures->{keys} } }

# The first server of the first shared store.
sub store_server { my ($figures) = @_; return (map { @{ $_->{servers} } } @{ $figures->{stores} })[0] }

1;
