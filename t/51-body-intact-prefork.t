# SPDX-License-Identifier: Apache-2.0
# A body that a form rule has looked into reaches its handler whole: prefork MPM, mod_cgi.
use RL::Test;
use RL::Intact;

RL::Intact::check('prefork');
finish allow => qr/AH0107[45]|AH10263/;
