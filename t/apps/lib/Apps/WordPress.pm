# SPDX-License-Identifier: Apache-2.0
package Apps::WordPress;

# Debian's WordPress at /wordpress/ of an RL::Httpd, through a php-fpm and a database of its own: accounts owner (password
# `right-password`), guest (`guest-password`, a subscriber); a page `album` with 40 pictures. Mails go to a file.
#
#   my $wp = Apps::WordPress->install($s);
#   $wp->tries       # how often a password was checked: 'login name' each
#   $wp->mails       # what was sent
#   $wp->add(jane => 'password')    # another account

use strict;
use warnings;

use Apps::MariaDB;
use RL::Fpm;
use RL::Httpd qw(slurp);

sub conf {
    return <<'END';
<FilesMatch "\.php$">
    SetHandler "proxy:unix:${ROOT}/run/fpm.sock|fcgi://localhost/"
</FilesMatch>
<Directory "${DOCROOT}/wordpress">
    DirectoryIndex disabled
    DirectoryIndex index.php
    FallbackResource /wordpress/index.php
    CGIPassAuth On
</Directory>
END
}

sub install {
    my ($class, $s) = @_;
    my $self = bless { s => $s, dir => $s->docroot . '/wordpress' }, $class;
    system('cp', '-rL', '/usr/share/wordpress', $self->{dir}) == 0 or die "no WordPress (Debian: wordpress)\n";
    my $db = Apps::MariaDB->get;
    $db->database('wordpress');
    $s->write('htdocs/wordpress/wp-config.php', $self->config($db->socket));
    $s->write('htdocs/wordpress/wp-content/mu-plugins/tries.php', $self->plugin);
    $s->write("htdocs/wordpress/pictures/$_.png", Apps::png()) for 1 .. 40;
    mkdir $s->root . '/app';
    chmod 0777, $s->root . '/app';
    $s->write('bin/sendmail', "#!/bin/sh\ncat >>" . $s->root . "/app/mails\n");
    chmod 0755, $s->root . '/bin/sendmail';
    RL::Fpm->start($s, system => 1, php => { enable_post_data_reading => 'on', sendmail_path => $s->root . '/bin/sendmail' });
    my $installer = $s->write('app/install.php', $self->installer);
    my $said = `php -d error_reporting=0 '$installer' 2>&1`;
    die "WordPress was not installed:\n$said" if $said !~ /^installed$/m;
    return $self;
}

sub config {
    my ($self, $socket) = @_;
    my $salts = join '', map { "define('$_', '" . join('', map { chr 97 + rand 26 } 1 .. 40) . "');\n" }
        map { ("${_}_KEY", "${_}_SALT") } qw(AUTH SECURE_AUTH LOGGED_IN NONCE);
    return <<"END";
<?php
define('DB_NAME', 'wordpress'); define('DB_USER', 'wordpress'); define('DB_PASSWORD', 'secret');
define('DB_HOST', 'localhost:$socket'); define('DB_CHARSET', 'utf8mb4'); define('DB_COLLATE', '');
$salts\$table_prefix = 'wp_';
define('WP_HOME', (isset(\$_SERVER['HTTPS']) ? 'https' : 'http') . '://' . (\$_SERVER['HTTP_HOST'] ?? 'localhost') . '/wordpress');
define('WP_SITEURL', WP_HOME);
define('DISABLE_WP_CRON', true); define('WP_HTTP_BLOCK_EXTERNAL', true); define('AUTOMATIC_UPDATER_DISABLED', true);
define('WP_ENVIRONMENT_TYPE', 'local');
if (!defined('ABSPATH')) define('ABSPATH', __DIR__ . '/');
require_once ABSPATH . 'wp-settings.php';
END
}

# Notes every password that is checked, as no log of WordPress does.
sub plugin {
    my ($self) = @_;
    my $root = $self->{s}->root;
    return <<"END";
<?php
add_filter('check_password', function (\$ok, \$password, \$hash, \$id) {
    file_put_contents('$root/app/tries', (\$ok ? 'right' : 'wrong') . " \$id\\n", FILE_APPEND | LOCK_EX);
    return \$ok;
}, 10, 4);
add_filter('wp_mail_from', function () { return 'wordpress\@example.com'; });
END
}

sub installer {
    my ($self) = @_;
    my $images = join '', map { qq(<img src="/wordpress/pictures/$_.png" alt="">) } 1 .. 40;
    return <<"END";
<?php
define('WP_INSTALLING', true);
\$_SERVER['HTTP_HOST'] = 'localhost';
require '$self->{dir}/wp-load.php';
require ABSPATH . 'wp-admin/includes/upgrade.php';
wp_install('Site', 'owner', 'owner\@example.com', true, '', 'right-password');
wp_create_user('guest', 'guest-password', 'guest\@example.com');
switch_theme('twentytwentyone');
wp_insert_post(['post_title' => 'album', 'post_name' => 'album', 'post_status' => 'publish', 'post_type' => 'page', 'post_content' => '$images']);
wp_insert_post(['post_title' => 'locked', 'post_name' => 'locked', 'post_status' => 'publish', 'post_type' => 'page', 'post_password' => 'sesame', 'post_content' => 'x']);
update_option('permalink_structure', '/%postname%/');
global \$wp_rewrite; \$wp_rewrite->init(); \$wp_rewrite->flush_rules(false);
echo "installed\\n";
END
}

# More accounts: subscribers.
sub add {
    my ($self, %accounts) = @_;
    my $text = join '', map { "wp_create_user('$_', '$accounts{$_}', '$_\@example.net');\n" } sort keys %accounts;
    my $adder = $self->{s}->write('app/add.php',
        "<?php\ndefine('WP_INSTALLING', true);\n\$_SERVER['HTTP_HOST'] = 'localhost';\nrequire '$self->{dir}/wp-load.php';\n${text}echo \"added\\n\";\n");
    my $said = `php -d error_reporting=0 '$adder' 2>&1`;
    die "WordPress made no accounts:\n$said" if $said !~ /^added$/m;
    return;
}

sub tries { my ($self) = @_; return split /\n/, slurp($self->{s}->root . '/app/tries') }
sub mails { my ($self) = @_; return slurp($self->{s}->root . '/app/mails') }

1;
