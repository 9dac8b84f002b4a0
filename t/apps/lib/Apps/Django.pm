# SPDX-License-Identifier: Apache-2.0
package Apps::Django;

# Debian's Django with its admin at /site/admin/ of an RL::Httpd, behind mod_wsgi: accounts owner (password `right-password`,
# a superuser) and guest (`guest-password`, staff). Mails go to files.
#
#   my $site = Apps::Django->install($s);
#   $site->tries       # how often a password was checked: "wrong 'owner'" each

use strict;
use warnings;

use RL::Httpd qw(slurp);

my $STATIC = '/usr/lib/python3/dist-packages/django/contrib/admin/static';

sub conf {
    return <<"END";
WSGIScriptAlias /site "\${ROOT}/app/wsgi.py"
WSGIPythonPath "\${ROOT}/app"
WSGIApplicationGroup %{GLOBAL}
WSGIPassAuthorization On
Alias /static "$STATIC"
<Directory "$STATIC">
    Require all granted
</Directory>
END
}

# What must be there before the server starts.
sub files {
    return ('app/settings.py' => <<'END', 'app/urls.py' => <<'END2', 'app/wsgi.py' => <<'END3', 'app/noted.py' => <<'END4');
import os
BASE = os.path.dirname(os.path.abspath(__file__))
SECRET_KEY = 'x' * 50
DEBUG = False
ALLOWED_HOSTS = ['*']
ROOT_URLCONF = 'urls'
INSTALLED_APPS = ['django.contrib.admin', 'django.contrib.auth', 'django.contrib.contenttypes', 'django.contrib.sessions',
                  'django.contrib.messages']
MIDDLEWARE = ['django.middleware.security.SecurityMiddleware', 'django.contrib.sessions.middleware.SessionMiddleware',
              'django.middleware.common.CommonMiddleware', 'django.middleware.csrf.CsrfViewMiddleware',
              'django.contrib.auth.middleware.AuthenticationMiddleware', 'django.contrib.messages.middleware.MessageMiddleware']
TEMPLATES = [{'BACKEND': 'django.template.backends.django.DjangoTemplates', 'APP_DIRS': True, 'OPTIONS': {'context_processors': [
    'django.template.context_processors.request', 'django.contrib.auth.context_processors.auth',
    'django.contrib.messages.context_processors.messages']}}]
DATABASES = {'default': {'ENGINE': 'django.db.backends.sqlite3', 'NAME': os.path.join(BASE, 'data', 'db')}}
EMAIL_BACKEND = 'django.core.mail.backends.filebased.EmailBackend'
EMAIL_FILE_PATH = os.path.join(BASE, 'data', 'mails')
DEFAULT_AUTO_FIELD = 'django.db.models.AutoField'
AUTHENTICATION_BACKENDS = ['noted.Noted']
PASSWORD_HASHERS = ['django.contrib.auth.hashers.MD5PasswordHasher']
STATIC_URL = '/static/'
USE_TZ = True
TIME_ZONE = 'UTC'
END
from django.contrib import admin
from django.contrib.auth import views
from django.urls import path
urlpatterns = [
    path('admin/password_reset/', views.PasswordResetView.as_view(), name='admin_password_reset'),
    path('admin/password_reset/done/', views.PasswordResetDoneView.as_view(), name='password_reset_done'),
    path('reset/<uidb64>/<token>/', views.PasswordResetConfirmView.as_view(), name='password_reset_confirm'),
    path('reset/done/', views.PasswordResetCompleteView.as_view(), name='password_reset_complete'),
    path('admin/', admin.site.urls),
]
END2
import os
os.environ['DJANGO_SETTINGS_MODULE'] = 'settings'
from django.core.wsgi import get_wsgi_application
application = get_wsgi_application()
END3
import os
from django.contrib.auth.backends import ModelBackend
class Noted(ModelBackend):
    def authenticate(self, request, username=None, password=None, **more):
        user = super().authenticate(request, username=username, password=password, **more)
        with open(os.path.join(os.path.dirname(os.path.abspath(__file__)), 'data', 'tries'), 'a') as f:
            f.write(('right ' if user else 'wrong ') + ascii(username) + '\n')
        return user
END4
}

sub install {
    my ($class, $s) = @_;
    my $app = $s->root . '/app';
    mkdir "$app/data";
    my $said = `cd '$app' && DJANGO_SETTINGS_MODULE=settings /usr/bin/python3 -B -c '
import django
django.setup()
from django.core.management import call_command
from django.contrib.auth.models import User
call_command("migrate", verbosity=0)
User.objects.create_superuser("owner", "owner\@example.com", "right-password")
User.objects.create_user("guest", "guest\@example.com", "guest-password", is_staff=True)
print("installed")
' 2>&1`;
    die "Django was not installed (Debian: python3-django):\n$said" if $said !~ /^installed$/m;
    if ($> == 0) { system 'chown', '-R', (getpwnam 'www-data')[2], "$app/data" }
    return bless { s => $s, app => $app }, $class;
}

sub tries { my ($self) = @_; return split /\n/, slurp("$self->{app}/data/tries") }
sub mails { my ($self) = @_; return join '', map { slurp($_) } sort glob "$self->{app}/data/mails/*" }

1;
