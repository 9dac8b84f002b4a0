#!/usr/bin/perl
# SPDX-License-Identifier: Apache-2.0
# A login as CGI.pm's manual would have it: takes the name and the password wherever CGI.pm finds them, be it in a GET or in a
# POST; the right ones get a cookie and are sent on, others see the form again. `forgotten=1` notes a mail. Every check of a
# password is noted in tries.
use strict;
use warnings;
require CGI;    # make lint does without it

my %password = (owner => 'right-password', guest => 'guest-password');
my $q = CGI->new;
my $name = $q->param('username');
my $given = $q->param('password');
my $app = "$ENV{DOCUMENT_ROOT}/../app";

if ($q->param('forgotten')) {
    note('mails', $name // '');
    print $q->header, "<p>A mail is on its way.\n";
    exit;
}
if (defined $name && defined $given) {
    $name =~ s/\A\s+|\s+\z//g;
    my $right = ($password{$name} // '') eq $given;
    note('tries', ($right ? 'right' : 'wrong') . " $name");
    if ($right) {
        print $q->redirect(-uri => '/private/', -cookie => $q->cookie(-name => 'session', -value => "$name-1"));
        exit;
    }
}
print $q->header, $q->start_form(-id => 'login'), $q->textfield('username'), $q->password_field('password'), $q->submit, $q->end_form;

sub note {
    my ($file, $text) = @_;
    open my $fh, '>>', "$app/$file" or die "$file: $!";
    syswrite $fh, "$text\n";
    return;
}
