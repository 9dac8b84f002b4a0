# SPDX-License-Identifier: Apache-2.0
package Apps::PhpMyAdmin;

# Debian's phpMyAdmin at /phpmyadmin/ of an RL::Httpd, through a php-fpm of its own, by mod_proxy_fcgi: accounts of the
# database, pma_owner (password `right-password`) and pma_guest (`guest-password`).
#
#   my $pma = Apps::PhpMyAdmin->install($s);
#   $pma->tries       # how often the database was asked for pma_owner

use strict;
use warnings;

use Apps::MariaDB;
use RL::Fpm;

sub conf {
    return <<'END';
<FilesMatch "\.php$">
    SetHandler "proxy:unix:${ROOT}/run/fpm.sock|fcgi://localhost/"
</FilesMatch>
<Directory "${DOCROOT}/phpmyadmin">
    DirectoryIndex disabled
    DirectoryIndex index.php
    CGIPassAuth On
</Directory>
END
}

sub install {
    my ($class, $s) = @_;
    my ($root, $dir) = ($s->root, $s->docroot . '/phpmyadmin');
    system('cp', '-rL', '/usr/share/phpmyadmin', $dir) == 0 or die "no phpMyAdmin (Debian: phpmyadmin)\n";
    my $db = Apps::MariaDB->get;
    my $vendor = RL::Httpd::slurp("$dir/libraries/vendor_config.php");
    $vendor =~ s{'/var/lib/phpmyadmin/tmp/'}{'$root/app/'} && $vendor =~ s{'/etc/phpmyadmin/config.inc.php'}{'$root/conf/pma.php'}
        or die "phpMyAdmin has another vendor_config.php than expected\n";
    $s->write('htdocs/phpmyadmin/libraries/vendor_config.php', $vendor);
    $s->write('conf/pma.php', <<"END");
<?php
\$cfg['blowfish_secret'] = 'abcdefghijklmnopqrstuvwxyz012345';
\$cfg['Servers'][1] = ['auth_type' => 'cookie', 'host' => 'localhost', 'socket' => '@{[ $db->socket ]}'];
\$cfg['VersionCheck'] = false; \$cfg['SendErrorReports'] = 'never'; \$cfg['PmaNoRelation_DisableWarning'] = true;
END
    $db->sql("CREATE OR REPLACE USER $_->[0]\@localhost IDENTIFIED BY '$_->[1]'; GRANT SELECT ON mysql.* TO $_->[0]\@localhost;")
        for [ pma_owner => 'right-password' ], [ pma_guest => 'guest-password' ];
    mkdir "$root/app";
    chmod 0777, "$root/app";
    RL::Fpm->start($s, system => 1, php => { enable_post_data_reading => 'on', 'session.save_path' => "$root/app" });
    $db->sql('SET GLOBAL general_log_file = "general.log"; SET GLOBAL general_log = 1;');
    return bless { s => $s, db => $db }, $class;
}

sub tries { my ($self) = @_; return grep { /\bConnect\b.*\bpma_owner@/ } split /\n/, RL::Httpd::slurp($self->{db}->dir . '/data/general.log') }

1;
