# SPDX-License-Identifier: Apache-2.0
package Bench::Peers;

# The other limiters, each doing the job of two RateLimit rules with key=ip: two limits per client's address, out of
# reach, or with the second one used up after five requests. Room for 100,000 addresses where that is to be said.

use strict;
use warnings;
use Exporter qw(import);

our @EXPORT_OK = qw(peers);

# By requests on one URL and on the whole site. Its table is each child's own: no other one counts with it. It goes by the
# connection's address, whatever mod_remoteip says.
sub evasive {
    my ($limit) = @_;
    return (title => 'mod_evasive', package => 'libapache2-mod-evasive', modules => ['evasive20'], conf => <<"END");
DOSHashTableSize 200000
DOSSiteCount 2000000000
DOSSiteInterval 3600
DOSPageCount $limit
DOSPageInterval 3600
DOSBlockingPeriod 3600
DOSHTTPResponseCode 429
DOSLogDir "\${STATE}"
END
}

# By events that a variable makes of requests. Its counters have 15 bits: no limit is out of reach, so it only logs what is
# over one, and of a client that goes on being denied they turn over and let it in.
# mod_remoteip consumes the header that it reads; wrk sends the address a second time.
sub qos {
    my ($limit) = @_;
    my ($second, $log_only) = $limit > 5 ? ('32000 1', 'on') : ("$limit 86400", 'off');
    return (title => 'mod_qos', package => 'libapache2-mod-qos', modules => ['qos'], libraries => ['libpcre.so.3'], conf => <<"END");
QS_ClientEntries 100000
QS_ClientIpFromHeader X-Client
QS_ClientEventLimitCount 32000 1 QS_First
QS_ClientEventLimitCount $second QS_Second
QS_ErrorResponseCode 429
QS_LogOnly $log_only
SetEnvIf Request_URI "^/" QS_First=1 QS_Second=1
END
}

# Counters of its persistent collection for addresses, which lies in a file. In phase 1 a denial would close the connection.
sub modsecurity {
    my ($limit) = @_;
    return (title => 'ModSecurity', package => 'libapache2-mod-security2', modules => [qw(unique_id security2)],
        libraries => [qw(liblua5.1.so.0 libyajl.so.2 libcurl-gnutls.so.4)], conf => <<"END");
SecRuleEngine On
SecAuditEngine Off
SecDataDir "\${STATE}"
SecAction "id:1,phase:1,nolog,pass,initcol:ip=%{USERAGENT_IP},setvar:ip.first=+1,expirevar:ip.first=3600,setvar:ip.second=+1,expirevar:ip.second=86400"
SecRule IP:FIRST "\@gt 2000000000" "id:2,phase:2,deny,status:429,nolog"
SecRule IP:SECOND "\@gt $limit" "id:3,phase:2,deny,status:429,nolog"
END
}

# Two zones. Its limit is a rate without a window; with a burst nothing is delayed or denied until that is used up.
sub limit_req {
    my ($limit) = @_;
    my ($rate, $burst) = $limit > 5 ? ('1000000r/s', 1000000) : ('1r/m', $limit);
    return (title => 'nginx, limit_req', kind => 'nginx', package => 'nginx', http => <<"END");
    limit_req_zone \$binary_remote_addr zone=first:32m rate=1000000r/s;
    limit_req_zone \$binary_remote_addr zone=second:32m rate=$rate;
    limit_req_status 429;
    limit_req zone=first burst=1000000 nodelay;
    limit_req zone=second burst=$burst nodelay;
END
}

# Two tables that count requests, of which the rules ask. It counts in sliding windows.
sub stick_tables {
    my ($limit) = @_;
    return (title => 'HAProxy, stick tables', kind => 'haproxy', package => 'haproxy', rules => <<"RULES", tables => <<'TABLES');
    http-request track-sc0 src table first
    http-request track-sc1 src table second
    http-request deny deny_status 429 if { sc_http_req_rate(0) gt 2000000000 }
    http-request deny deny_status 429 if { sc_http_req_rate(1) gt $limit }
RULES
backend first
    stick-table type ipv6 size 200k expire 1h store http_req_rate(1h)
backend second
    stick-table type ipv6 size 200k expire 1d store http_req_rate(1d)
TABLES
}

# As pairs of a server's name and what it is made of.
sub peers {
    my %make = (evasive => \&evasive, qos => \&qos, modsecurity => \&modsecurity, 'nginx-limit' => \&limit_req,
        'haproxy-tables' => \&stick_tables);
    return map {
        my $name = $_;
        ($name => { $make{$name}->(2_000_000_000), optional => 1 }, "$name-denied" => { $make{$name}->(5), optional => 1 });
    } keys %make;
}

1;
