# SPDX-License-Identifier: Apache-2.0
package Apps::DokuWiki;

# Debian's DokuWiki at /dokuwiki/ of an RL::Httpd, through a php-fpm of its own: accounts owner (password `right-password`)
# and guest (`guest-password`); pages `start` and `album`, with 40 pictures of the wiki's own store. Its configuration and data lie in the
# server's directory; the program is where Debian put it.
#
#   my $wiki = Apps::DokuWiki->install($s, %options);      # remote => 1: XML-RPC
#   $wiki->tries       # how often a password was checked: 'wrong owner' each
#   $wiki->protect($php)    # writes local.protected.php

use strict;
use warnings;

use File::Path qw(make_path);
use MIME::Base64 ();

use RL::Fpm;
use RL::Httpd qw(slurp);

my $PROGRAM = '/usr/share/dokuwiki';

sub conf {
    return <<"END";
Alias /dokuwiki "$PROGRAM"
<DirectoryMatch "^/usr/share/dokuwiki|^/var/lib/dokuwiki/lib">
    Options FollowSymLinks
    Require all granted
    DirectoryIndex disabled
    DirectoryIndex doku.php
    CGIPassAuth On
</DirectoryMatch>
<FilesMatch "\\.php\$">
    SetHandler "proxy:unix:\${ROOT}/run/fpm.sock|fcgi://localhost/"
</FilesMatch>
END
}

sub install {
    my ($class, $s, %o) = @_;
    -e "$PROGRAM/doku.php" or die "no DokuWiki (Debian: dokuwiki)\n";
    my $root = $s->root;
    # What only Debian's www-data may read is written anew.
    $s->write("wiki-conf/$_", slurp("/etc/dokuwiki/$_")) for map { s{.*/}{}r } grep { -f && -r } glob '/etc/dokuwiki/*';
    make_path(map { "$root/wiki-data/$_" } qw(attic cache index locks log media media_attic media_meta meta pages tmp));
    my $remote = $o{remote} ? 1 : 0;
    $s->write('wiki-conf/local.php', <<"END");
<?php
\$conf['title'] = 'Wiki'; \$conf['useacl'] = 1; \$conf['superuser'] = 'owner'; \$conf['savedir'] = '$root/wiki-data';
\$conf['remote'] = $remote; \$conf['autopasswd'] = 0; \$conf['authtype'] = 'authnoted'; \$conf['mailfrom'] = 'wiki\@example.com';
END
    mkdir "$root/wiki-plugins";
    my @plugins = grep { -r && (!-d || -x) } glob '/var/lib/dokuwiki/lib/plugins/*';
    system('cp', '-rL', @plugins, "$root/wiki-plugins") == 0 or die "DokuWiki's plugins can't be copied\n";
    $s->write('wiki-plugins/authnoted/auth.php', plugin($root));
    $s->write('bin/sendmail', "#!/bin/sh\ncat >>$root/wiki-data/mails\n");
    chmod 0755, "$root/bin/sendmail";
    $s->write('wiki-conf/users.auth.php', account($s, owner => 'right-password') . account($s, guest => 'guest-password'));
    $s->write('wiki-conf/acl.auth.php', "* \@ALL 1\n* \@user 8\n");
    $s->write('wiki-data/pages/start.txt', "====== Start ======\n");
    $s->write('wiki-data/pages/album.txt', join '', map { "{{:p$_.png?nolink}}\n" } 1 .. 40);
    $s->write("wiki-data/media/p$_.png", Apps::png()) for 1 .. 40;
    my $prepend = $s->write('wiki-conf/prepend.php', "<?php define('DOKU_CONF', '$root/wiki-conf/'); define('DOKU_PLUGIN', '$root/wiki-plugins/');\n");
    system('chown', '-R', (getpwnam 'www-data')[2], "$root/wiki-conf", "$root/wiki-data") if $> == 0;
    RL::Fpm->start($s, system => 1, children => 12, php => { enable_post_data_reading => 'on', auto_prepend_file => $prepend,
        sendmail_path => "$root/bin/sendmail" });
    return bless { s => $s }, $class;
}

# Plain accounts; notes every password that is checked, as no log of DokuWiki does.
sub plugin {
    my ($root) = @_;
    return <<"END";
<?php
class auth_plugin_authnoted extends auth_plugin_authplain {
    public function checkPass(\$user, \$pass) {
        \$ok = parent::checkPass(\$user, \$pass);
        file_put_contents('$root/wiki-data/tries', (\$ok ? 'right' : 'wrong') . " \$user\\n", FILE_APPEND | LOCK_EX);
        return \$ok;
    }
}
END
}

sub tries { my ($self) = @_; return split /\n/, slurp($self->{s}->root . '/wiki-data/tries') }
# What was sent, readable.
sub mails {
    my ($self) = @_;
    my $text = slurp($self->{s}->root . '/wiki-data/mails');
    return $text =~ s{\n\n((?:[A-Za-z0-9+/=]{4,76}\n)+)}{"\n\n" . MIME::Base64::decode_base64($1)}ger;
}
sub protect { my ($self, $php) = @_; $self->{s}->write('wiki-conf/local.protected.php', $php); return }

sub account {
    my ($s, $name, $password) = @_;
    my $hash = crypt $password, '$6$saltsalt$';
    return "$name:$hash:$name:$name\@example.com:user\n";
}

1;
