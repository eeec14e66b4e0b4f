#!/usr/bin/env perl
# Runs the inputs of the vectors next to this script through Perl's Protocol::WebSocket.
#
#   record.pl            prints each vector whose result differs from the recorded one, and fails if there is one
#   record.pl --write    stores the new results in the files
#   record.pl --serve    reads lines of {"kind": ..., "in": ...}, and prints the result of each
use strict;
use warnings;
use Digest::SHA 'sha1_base64';
use FindBin;
use JSON::PP ();
use MIME::Base64 'decode_base64';

# The random numbers of the current input, which replace those of the module: bytes of keys, and masks of 32 bits.
our $entropy;

BEGIN {
    $INC{'Math/Random/Secure.pm'} = undef;    # the module would use it for masks if it were installed
    *CORE::GLOBAL::rand = sub (;$) {
        my $below = shift || 1;
        return CORE::rand($below) unless $entropy;
        return shift @{$entropy->{$below}} // die "nothing left to draw\n";
    };
}
use Protocol::WebSocket;
use Protocol::WebSocket::Client;
use Protocol::WebSocket::Cookie::Request;
use Protocol::WebSocket::Cookie::Response;
use Protocol::WebSocket::Frame;
use Protocol::WebSocket::Handshake::Client;
use Protocol::WebSocket::Handshake::Server;
use Protocol::WebSocket::Request;
use Protocol::WebSocket::Response;
use Protocol::WebSocket::URL;

my $json = JSON::PP->new->canonical->latin1;
my %family = (
    'draft-ietf-hybi-17' => 'hybi',
    'draft-ietf-hybi-10' => 'hybi',
    'draft-ietf-hybi-00' => 'hybi-00',
    'draft-hixie-75'     => 'hixie-75',
);
my %run = (
    'client-helper'            => \&client_helper,
    'cookie-build'             => \&cookie_build,
    'cookie-parse'             => \&cookie_parse,
    'cookie-request-parse'     => \&cookie_request_parse,
    'cookie-response-build'    => \&cookie_response_build,
    'frame-decode'             => \&frame_decode,
    'frame-encode'             => \&frame_encode,
    'handshake-client'         => \&handshake_client,
    'handshake-client-request' => \&handshake_client_request,
    'handshake-server'         => \&handshake_server,
    'hybi00-number'            => \&hybi00_number,
    'psgi'                     => \&psgi,
    'request-build'            => \&request_build,
    'request-parse'            => \&request_parse,
    'response-build'           => \&response_build,
    'response-parse'           => \&response_parse,
    'url-build'                => \&url_build,
    'url-parse'                => \&url_parse,
);

my $mode = shift || '';
local $SIG{__WARN__} = sub { };    # the module prints many warnings for these inputs
if ($mode eq '--serve') {
    $| = 1;
    while (my $line = <STDIN>) {
        my $vector = JSON::PP->new->utf8->decode($line);
        print JSON::PP->new->ascii->encode(result($vector->{kind}, $vector->{in})), "\n";
    }
    exit;
}

my $differ = 0;
for my $kind (sort keys %run) {
    my $file = "$FindBin::Bin/$kind.jsonl";
    open my $in, '<', $file or die "$file: $!\n";
    my @lines = <$in>;
    close $in;
    my $here = 0;
    for my $line (@lines) {
        my $vector = $json->decode(my $copy = utf8_to_latin1($line));
        my $out    = result($kind, $vector->{in});
        next if essence($out) eq essence($vector->{out});
        $here++;
        print "$vector->{id}\n  recorded: ", essence($vector->{out}), "\n  now:      ", essence($out), "\n" if $here <= 3;
        $vector->{out} = $out;
        $line = JSON::PP->new->canonical->utf8->encode($vector) . "\n";
    }
    printf "%-26s %4d vectors, %d differ\n", $kind, scalar @lines, $here;
    $differ += $here;
    next unless $here && $mode eq '--write';
    open my $to, '>', $file or die "$file: $!\n";
    print $to @lines;
    close $to or die "$file: $!\n";
}
exit($differ && $mode ne '--write' ? 1 : 0);

# The files are UTF-8. Each of their characters stands for one byte.
sub utf8_to_latin1 { my $text = shift; utf8::decode($text); $text }

# Returns the part of a result that is compared: the bytes in any notation, and for an error only its presence.
sub essence {
    my $value = shift;
    return JSON::PP->new->canonical->ascii->allow_nonref->encode(plain($value));
}

sub plain {
    my ($value, $key) = @_;
    return join '', map { ref $_ ? $_->[0] x $_->[1] : $_ } ref $value eq 'ARRAY' ? @$value : $value
      if defined $value && defined $key && $key =~ /_hex$/;
    if (ref $value eq 'HASH') {
        my %left = map { $_ => plain($value->{$_}, $_) } grep { !/^(?:class|text|fields|after|is_done|in_output)$/ } keys %$value;
        $left{error} = 1 if delete $left{error} && !exists $left{bytes_hex};
        $left{output} = join '', map { $_->{bytes_hex} } @{$left{output}} if $left{output};
        return \%left;
    }
    return [map { plain($_) } @$value] if ref $value eq 'ARRAY';
    return 0 + !!$value if JSON::PP::is_bool($value);
    return defined $value ? "$value" : undef;
}

sub result {
    my ($kind, $in) = @_;
    my $out = eval { $run{$kind}->($in) };
    return defined $out ? $out : {error => {text => "$@" =~ s/ at \S+ line \d+.*//sr}};
}

sub unhex { pack 'H*', plain($_[0], '_hex') }
sub hex_of { unpack 'H*', $_[0] }
sub flag { $_[0] ? 1 : 0 }

sub pieces {
    my ($in, $stream) = @_;
    # After an error, Perl's result depends on the split of the bytes.
    my $chunking = $in->{continue_after_error} ? 'each' : $in->{chunkings}[0];
    return $stream if $chunking eq 'whole' || !length $stream;
    return split //, $stream if $chunking eq 'each';
    my @pieces = map { length $stream ? substr $stream, 0, $_, '' : () } @$chunking;
    return (@pieces, length $stream ? $stream : ());
}

sub url_parse {
    my $url = Protocol::WebSocket::URL->new;
    return {ok => JSON::PP::false} unless $url->parse($_[0]{url});
    my $client = Protocol::WebSocket::Handshake::Client->new(url => $_[0]{url});
    return {
        ok            => JSON::PP::true,
        host          => $url->host,
        port          => 0 + $url->port,
        secure        => flag($url->secure),
        resource_name => $url->resource_name,
        to_string     => $url->to_string,
        host_header   => $client->req->host,
    };
}

sub url_build { return {to_string => Protocol::WebSocket::URL->new(%{$_[0]})->to_string} }

sub pairs { [map { [@$_[0, 1]] } @{$_[0]->pairs}] }

sub cookie_parse {
    my $cookie = Protocol::WebSocket::Cookie->new;
    my $ok     = $cookie->parse($_[0]{cookie});
    return {ok => $ok ? JSON::PP::true : JSON::PP::false, pairs => pairs($cookie)};
}

sub cookie_build { return {cookie => Protocol::WebSocket::Cookie->new(pairs => $_[0]{pairs})->to_string} }

sub cookie_request_parse {
    my $cookies = Protocol::WebSocket::Cookie::Request->new->parse($_[0]{cookie});
    return {
        cookies => [
            map { my $cookie = $_; +{map { $_ => $cookie->$_ } qw(name value path domain version)} } @{$cookies || []}
        ]
    };
}

sub cookie_response_build { return {set_cookie => Protocol::WebSocket::Cookie::Response->new(%{$_[0]})->to_string} }

sub frame_decode {
    my $in    = shift;
    my %limit = map { exists $in->{$_} ? ($_ => $in->{$_}) : () } qw(max_payload_size max_fragments_amount);
    my $frame = Protocol::WebSocket::Frame->new(version => $in->{version}, %limit);
    my ($next, @events) = $in->{api} eq 'text' ? 'next' : 'next_bytes';
    my $is_length = $in->{version} =~ /hybi-1/;
  PIECE: for my $piece (pieces($in, unhex($in->{stream_hex}))) {
        $frame->append($piece);
        while (1) {
            my $data = eval { $frame->$next };
            if ($@) {
                push @events, {type => 'error', text => "$@"};
                last PIECE unless $in->{continue_after_error};
                next;
            }
            last unless defined $data;
            utf8::encode($data) if $next eq 'next';
            push @events, {
                type     => 'message',
                opcode   => 0 + $frame->opcode,
                fin      => flag($frame->fin),
                rsv      => $is_length ? [map { 0 + $_ } @{$frame->rsv}] : undef,
                masked   => $is_length ? flag($frame->masked) : undef,
                data_hex => hex_of($data),
            };
        }
    }
    return {events => \@events};
}

sub frame_encode {
    my %attribute = %{$_[0]};
    my $buffer    = unhex(delete $attribute{buffer_hex});
    return {bytes_hex => hex_of(Protocol::WebSocket::Frame->new(buffer => $buffer, %attribute)->to_bytes)};
}

sub hybi00_number {
    my $in      = shift;
    my $request = Protocol::WebSocket::Request->new;
    $request->key1($in->{key1});
    $request->key2($in->{key2});
    $request->challenge(unhex($in->{challenge_hex}));
    my $out = {number1 => $request->number1, number2 => $request->number2};
    my $sum = eval { $request->checksum };
    return defined $sum ? {%$out, checksum_hex => hex_of($sum)} : {%$out, error => {text => "$@"}};
}

# Returns the attributes, with bytes and headers decoded.
sub attributes {
    my %attribute = %{$_[0]};
    $attribute{challenge} = unhex(delete $attribute{challenge_hex}) if exists $attribute{challenge_hex};
    $attribute{headers} = [map { @$_ } @{$attribute{headers}}] if $attribute{headers};
    return \%attribute;
}

sub set_up {
    my ($message, $attribute) = @_;
    $message->$_($attribute->{$_}) for grep { exists $attribute->{$_} } qw(challenge key key1 key2 origin subprotocol);
    $message->cookies($attribute->{cookie}) if exists $attribute->{cookie};
    return $message;
}

sub request_build {
    my $attribute = attributes(shift);
    my %new     = map { $_ => $attribute->{$_} } grep { exists $attribute->{$_} } qw(version host secure resource_name headers);
    my $request = set_up(Protocol::WebSocket::Request->new(%new), $attribute);
    my $out     = {bytes_hex => hex_of($request->to_string)};
    if ($request->version eq 'draft-ietf-hybi-00') {
        my $sum = eval { $request->checksum };
        return $out unless defined $sum;
        $out->{checksum_hex} = hex_of($sum);
        $out->{$_} = $request->$_ for qw(number1 number2);
    }
    return $out;
}

sub response_build {
    my $attribute = attributes(shift);
    my $cookies   = delete $attribute->{cookies} || [];
    my %new =
      map { $_ => $attribute->{$_} } grep { exists $attribute->{$_} } qw(version host secure resource_name number1 number2);
    my $response = set_up(Protocol::WebSocket::Response->new(%new), $attribute);
    $response->cookie(%$_) for @$cookies;
    return {bytes_hex => hex_of($response->to_string)};
}

sub request_out {
    my $request = shift;
    return {state => 'error', error => $request->error} if $request->is_state('error');
    return {state => $request->state} unless $request->is_body || $request->is_done;
    my $cookies = $request->cookies;
    my $out     = {
        state   => $request->state,
        secure  => flag($request->secure),
        cookies => ref $cookies eq 'ARRAY' ? undef : pairs($cookies),
        map { $_ => scalar $request->$_ } qw(version resource_name host origin subprotocol upgrade connection),
    };
    $out->{key} = $request->key if $request->version =~ /hybi-1/;
    return $out unless $request->version eq 'draft-ietf-hybi-00';
    $out->{$_} = $request->$_ for qw(key1 key2 number1 number2);
    return $out unless $request->is_done;
    $out->{challenge_hex} = hex_of($request->challenge);
    my $sum = eval { $request->checksum };
    return {%$out, defined $sum ? (checksum_hex => hex_of($sum)) : (checksum_error => "$@" =~ s/ at \S+ line.*//sr)};
}

sub request_parse {
    my $in      = shift;
    my $request = Protocol::WebSocket::Request->new;
    for my $piece (pieces($in, unhex($in->{stream_hex}))) {
        $request->parse($piece) or last;
    }
    return request_out($request);
}

sub psgi {
    my $in     = shift;
    my $server = eval { Protocol::WebSocket::Handshake::Server->new_from_psgi($in->{env}) };
    return {state => 'error', error => "$@"} unless $server;
    my $body   = unhex($in->{body_hex});
    $server->parse($body) or return {state => 'error', error => $server->error};
    my $out = request_out($server->req);
    delete @$out{qw(connection upgrade)};
    my $response = eval { $server->to_string };
    return {%$out, defined $response ? (response_hex => hex_of($response)) : (response_error => 1)};
}

sub response_parse {
    my $in       = shift;
    my $response = Protocol::WebSocket::Response->new;
    for my $piece (pieces($in, unhex($in->{stream_hex}))) {
        $response->parse($piece) or last;
        last if $response->is_done;
    }
    return {state => 'error', error => $response->error} if $response->is_state('error');
    return {state => $response->state} unless $response->is_done;
    my $out = {state => 'done', family => $family{$response->version}, subprotocol => $response->subprotocol};
    return $out if $out->{family} eq 'hybi';
    $out->{$_} = $response->$_ for qw(host location origin resource_name);
    $out->{secure} = flag($response->secure);
    $out->{checksum_hex} = hex_of($response->checksum) if $out->{family} eq 'hybi-00';
    return $out;
}

sub handshake_server {
    my $in     = shift;
    my $server = Protocol::WebSocket::Handshake::Server->new;
    my ($pos, $is_set_up, @output) = (0);
    for my $piece (pieces($in, unhex($in->{stream_hex}))) {
        $pos += length $piece;
        $server->parse($piece) or return {state => 'error', error => $server->error};
        next unless $server->is_body || $server->is_done;
        if (!$is_set_up++) {
            my $respond = $in->{respond} || {};
            $server->res->subprotocol($respond->{subprotocol}) if exists $respond->{subprotocol};
            $server->res->cookie(%$_) for @{$respond->{cookies} || []};
            my $head = eval { $server->to_string };
            return {state => 'error', error => "$@"} unless defined $head;
            push @output, {bytes_hex => hex_of($head)};
        }
        elsif ($server->is_done) {
            push @output, {bytes_hex => hex_of($server->to_string)};
        }
        last if $server->is_done;
    }
    my $out = {state => $server->req->state};
    return $out unless $server->is_body || $server->is_done;
    return {%$out, output => \@output, version => $server->version};
}

sub client {
    my $attribute = attributes($_[0]);
    my $version   = $attribute->{version};
    my $client    = Protocol::WebSocket::Handshake::Client->new(url => $attribute->{url}, $version ? (version => $version) : ());
    set_up($client->req, $attribute);
    return $client;
}

sub handshake_client_request { return {bytes_hex => hex_of(client($_[0])->to_string)} }

sub handshake_client {
    my $in     = shift;
    my $client = client($in);
    $client->to_string;
    for my $piece (pieces($in, unhex($in->{stream_hex}))) {
        my $ok = eval { $client->parse($piece) };
        return {state => 'crash', error => "$@"} if $@;
        return {state => 'error', error => $client->error} unless defined $ok;
        return {
            state       => 'done',
            subprotocol => $client->res->subprotocol,
            family      => $family{$client->res->version || 'draft-ietf-hybi-17'},
        } if $client->is_done;
    }
    return {state => 'pending'};
}

sub client_helper {
    my $in = shift;
    local $entropy = {
        2**8  => [map { unpack 'C*', decode_base64($_) } @{$in->{entropy}{keys}}],
        2**32 => [map { unpack 'N', unhex($_) } @{$in->{entropy}{masks}}],
    };
    my ($at, $key, @events) = (-1);
    my $event = sub { push @events, {action => $at, event => @_} };
    my $act   = sub {
        my $code = shift;
        eval { $code->(); 1 } or $event->('die', text => "$@" =~ s/ at \S+ line \d+.*//sr);
    };
    my %new = map { exists $in->{$_} ? ($_ => $in->{$_}) : () } qw(url version max_payload_size max_fragments_amount);
    my $client;
    $act->(sub { $client = Protocol::WebSocket::Client->new(%new) });
    return {events => \@events} unless $client;

    $client->on(connect => sub { $event->('connect') });
    $client->on(error => sub { $event->('error', text => $_[1]) });
    $client->on(
        read => sub {
            my $data = $_[1];
            utf8::encode($data);
            $event->('read', data_hex => hex_of($data));
        }
    );
    $client->on(
        write => sub {
            my $bytes = $_[1];
            return $event->('write', bytes_hex => hex_of($bytes)) unless $bytes =~ /^GET /;
            ($key) = $bytes =~ /^Sec-WebSocket-Key: (\S+)/m;
            $event->('write-handshake');
        }
    );
    for my $action (@{$in->{actions}}) {
        $at++;
        $act->(sub { client_action($client, $action, $key) });
    }
    return {events => \@events};
}

sub client_action {
    my ($client, $action, $key) = @_;
    my $call = $action->{call};
    if ($call eq 'read_handshake') {
        my $response = join "\r\n", 'HTTP/1.1 101 Switching Protocols', 'Upgrade: websocket', 'Connection: Upgrade',
          'Sec-WebSocket-Accept: ' . sha1_base64($key . '258EAFA5-E914-47DA-95CA-C5AB0DC85B11') . '=', '', '';
        $response .= unhex($action->{extra_hex}) if exists $action->{extra_hex};
        $client->read($_) for pieces({chunkings => [$action->{chunks} || 'whole']}, $response);
    }
    elsif ($call eq 'write') {
        my $text = unhex($action->{text_hex});
        utf8::decode($text);
        $client->write($text);
    }
    elsif ($call eq 'write_frame') {
        my %attribute = %{$action->{frame}};
        my $buffer    = unhex(delete $attribute{buffer_hex});
        $client->write(Protocol::WebSocket::Frame->new(buffer => $buffer, %attribute));
    }
    else {
        $client->$call(exists $action->{bytes_hex} ? unhex($action->{bytes_hex}) : ());
    }
}
