# SPDX-License-Identifier: Apache-2.0
package Apps::Person;

# Somebody with a browser: an address, cookies that are kept and sent as a browser does, forms that are filled in with all
# that is hidden in them. Counts what was denied.
#
#   my $p = Apps::Person->new($s, from => '192.0.2.10');
#   my $page = $p->get('/login');
#   $p->submit($page, qr/loginform/, { user => 'a', password => 'b' });    # and follows redirects
#   $p->cookie('session'); $p->denied; $p->requests;

use strict;
use warnings;

use RL::Test ();

# Options: from (address), tag (X-Test-Id, for the access log), headers => [sent with every request].
sub new {
    my ($class, $s, %o) = @_;
    return bless { s => $s, from => '192.0.2.10', tag => '-', headers => [], jar => {}, denied => [], requests => 0, %o }, $class;
}

sub denied   { return @{ $_[0]{denied} } }
sub requests { return $_[0]{requests} }
sub cookie   { my ($self, $name) = @_; return $self->{jar}{$name} }
sub cookies  { return %{ $_[0]{jar} } }
sub forget   { my ($self, @names) = @_; delete @{ $self->{jar} }{@names}; return }

# One request, no redirects; options are RL::Client's.
sub request {
    my ($self, $method, $path, %o) = @_;
    my @headers = (@{ $self->{headers} }, @{ $o{headers} // [] }, 'X-Test-Id' => $self->{tag});
    my $jar = $self->{jar};
    push @headers, Cookie => join '; ', map { "$_=$jar->{$_}" } sort keys %$jar if %$jar;
    my $r = RL::Test::request($self->{s}, $method, $path, %o, headers => \@headers, from => $self->{from});
    $self->{requests}++;
    push @{ $self->{denied} }, "$method $path" if $r->status == 429;
    $self->take_cookies($r);
    $r->{path} = $path;
    return $r;
}

sub take_cookies {
    my ($self, $r) = @_;
    for my $line ($r->header('Set-Cookie')) {
        my ($name, $value, $rest) = $line =~ /\A([^=;]+)=([^;]*)(.*)\z/ or next;
        my $gone = $value eq '' || $value eq 'deleted' || $rest =~ /;\s*max-age=(?:0|-)/i || $rest =~ /expires=[^;]*\b(?:19\d\d|20[01]\d)\b/i;
        if ($gone) { delete $self->{jar}{$name} }
        else       { $self->{jar}{$name} = $value }
    }
    return;
}

sub get { my ($self, $path, %o) = @_; return $self->follow($self->request('GET', $path, %o)) }

# A form's fields as a hash or, where the order matters, a list.
sub post {
    my ($self, $path, $fields, %o) = @_;
    return $self->request('POST', $path, body => urlencoded($fields), %o);
}

# Redirects within the server, as many as a browser would.
sub follow {
    my ($self, $r) = @_;
    for (1 .. 10) {
        last if $r->status !~ /\A30[1237]\z/;
        my $to = $r->header('Location') // last;
        $r = $self->request('GET', local_path($to, $r->{path}));
    }
    return $r;
}

sub local_path {
    my ($to, $base) = @_;
    $to =~ s{\Ahttps?://[^/]+}{};
    $to =~ s/#.*//;
    return $to if $to =~ m{\A/};
    my $folder = $base =~ s/\?.*//r =~ s{[^/]*\z}{}r;
    $to =~ s{\A\./}{};
    return $folder . $to;
}

# Fills in the form of a page whose tag matches, and sends it; follows what comes. The last answer.
sub submit {
    my ($self, $page, $form, $fields) = @_;
    return $self->follow($self->submit_only($page, $form, $fields));
}

sub submit_only {
    my ($self, $page, $form, $fields) = @_;
    my ($action, $hidden) = form($page->body, $form);
    die 'no such form in ' . $page->as_string if !defined $action;
    return $self->post($action eq '' ? $page->{path} : local_path($action, $page->{path}), { %$hidden, %$fields });
}

# The action of a page's form, and the fields that have a value in it.
sub form {
    my ($html, $which) = @_;
    while ($html =~ /(<form\b[^>]*>)(.*?)<\/form>/gs) {
        my ($tag, $inside) = ($1, $2);
        next if $tag !~ $which && $inside !~ $which;
        my %fields;
        for my $input ($inside =~ /<input\b[^>]*>/g) {
            my $type = attribute($input, 'type') // 'text';
            my $name = attribute($input, 'name') // next;
            next if $type =~ /\A(?:submit|button|checkbox|radio|file|image)\z/;
            $fields{$name} = attribute($input, 'value') // '';
        }
        return (attribute($tag, 'action') // '', \%fields);
    }
    return;
}

sub attribute {
    my ($tag, $name) = @_;
    return if $tag !~ /\s\Q$name\E\s*=\s*(?:"([^"]*)"|'([^']*)')/;
    my $value = $1 // $2;
    $value =~ s/&#0?38;|&amp;/&/g;
    $value =~ s/&quot;/"/g;
    return $value;
}

sub urlencoded {
    my ($fields) = @_;
    my @list = ref $fields eq 'HASH' ? map { ($_, $fields->{$_}) } sort keys %$fields : @$fields;
    my @pairs;
    while (my ($name, $value) = splice @list, 0, 2) { push @pairs, escaped($name) . '=' . escaped($value) }
    return join '&', @pairs;
}

sub escaped { my ($text) = @_; return $text =~ s/([^A-Za-z0-9._~*-])/sprintf '%%%02X', ord $1/ger =~ s/%20/+/gr }

1;
