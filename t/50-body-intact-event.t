# SPDX-License-Identifier: Apache-2.0
# A body that a form rule has looked into reaches its handler whole: event MPM, mod_cgid, HTTP/1.1 and HTTP/2.
use RL::Test;
use RL::Intact;

RL::Intact::check('event');
finish allow => qr/AH0107[45]|AH10263/;
