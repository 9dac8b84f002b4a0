# SPDX-License-Identifier: Apache-2.0
# HAProxy's stick tables beside ours.
use RL::Test;
use Moving;

peer('usr/sbin/haproxy') or plan skip_all => 'haproxy is not here: make test-moving';

my ($theirs, $ours) = blocks('http_req_rate');
my @requests = (times(12, { from => '127.0.0.2', path => '/page' }), times(3, { from => '127.0.0.3', path => '/page' }));
compares('HAProxy, http_req_rate', [ play(haproxy($theirs), @requests) ], [ play(apache($ours), @requests) ]);

($theirs, $ours) = blocks('http_err_rate');
@requests = (times(9, wrong('127.0.0.2')), right('127.0.0.2'), times(2, wrong('127.0.0.3')), right('127.0.0.3'));
compares('HAProxy, http_err_rate', [ play(haproxy($theirs), @requests) ], [ play(apache($ours), @requests) ]);

($theirs, $ours) = blocks('conn_cur');
@requests = (times(5, { from => '127.0.0.2', path => '/slow' }), times(2, { from => '127.0.0.3', path => '/slow' }));
my @t = at_once(haproxy($theirs), @requests);
my @h = at_once(apache($ours), @requests);
compares('HAProxy, conn_cur', \@t, \@h, there => 3, here => 3);

finish;
