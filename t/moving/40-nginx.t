# SPDX-License-Identifier: Apache-2.0
# nginx's limit_req and limit_conn beside ours.
use RL::Test;
use Moving;

peer('usr/sbin/nginx') or plan skip_all => 'nginx is not here: make test-moving';

my ($theirs, $ours) = blocks('limit_req with a burst');
my @requests = (times(12, { from => '127.0.0.2', path => '/login' }), times(3, { from => '127.0.0.3', path => '/login' }));
compares('nginx, limit_req', [ play(nginx($theirs), @requests) ], [ play(apache($ours), @requests) ]);

($theirs, $ours) = blocks('limit_conn');
@requests = (times(5, { from => '127.0.0.2', path => '/slow' }), times(2, { from => '127.0.0.3', path => '/slow' }));
my @t = at_once(nginx($theirs), @requests);
my @h = at_once(apache($ours), @requests);
compares('nginx, limit_conn', \@t, \@h, there => 3, here => 3);

finish;
