# Perl's Protocol::WebSocket as a client of an echo server.
#
#     perl perl_client.pl URL SUBPROTOCOL VERSION
#
# Prints a line for each successful check, and exits with a status other than 0 at the first failure.
# The server supports SUBPROTOCOL. VERSION is a name of the module, such as draft-ietf-hybi-00.

use strict;
use warnings;
use utf8;

use Encode 'encode';
use IO::Socket::INET;
use Protocol::WebSocket::Client;
use Protocol::WebSocket::Handshake::Client;

alarm 120;
$| = 1;

my ($url, $subprotocol, $version) = @ARGV;
my $sentinels = $version eq 'draft-hixie-75' || $version eq 'draft-ietf-hybi-00';
my $input = '';

my ($socket, $handshake) = connection($subprotocol);
check('the subprotocol is chosen', $handshake->res->subprotocol, $subprotocol);
($socket, $handshake) = connection('no-such');
check('no subprotocol in common', $handshake->res->subprotocol // 'none', 'none');
($socket, $handshake) = connection();
my $frames = $handshake->build_frame(max_payload_size => 0);
$frames->append($input);

for my $text ('Hello', 'Größe κόσμε 世界 🦀', '', 'a' x 125, 'b' x 126, 'c' x 65535, 'é' x 32768, 'd' x 65537) {
    my $bytes = encode('UTF-8', $text);
    echo('text of ' . length($bytes) . ' bytes', 'text', $bytes);
}
unless ($sentinels) {
    echo("binary of $_ bytes", 'binary', "\xFF\x00" x ($_ / 2)) for 0, 124, 126, 65534, 65536;
    put(type => 'text', fin => 0, buffer => encode('UTF-8', 'Größe'));
    put(type => 'ping', buffer => 'between');
    put(type => 'continuation', buffer => encode('UTF-8', ' 🦀'));
    check('a ping between fragments', get(), 'between');
    check('the frame is a pong', $frames->is_pong ? 1 : 0, 1);
    check('text in fragments', get(), encode('UTF-8', 'Größe 🦀'));
}

put(type => 'text', buffer => $_) for 1 .. 100;
check("message $_ of 100 at once", get(), $_) for 1 .. 100;

my $close = $sentinels ? '' : pack('n', 4000) . 'enough';
put(type => 'close', buffer => $close);
check('the close is answered', get(), $close);
check('the frame is a close', $frames->is_close ? 1 : 0, 1);
check('the server closes the connection', sysread($socket, my $rest, 1), 0);

client_helper() if $version eq 'draft-ietf-hybi-17';

# The module's own Client, which supports only this version.
sub client_helper {
    my @messages;
    my $client = Protocol::WebSocket::Client->new(url => $url, max_payload_size => 0);
    my ($host, $port) = ($client->url->host, $client->url->port);
    my $socket = IO::Socket::INET->new(PeerAddr => $host, PeerPort => $port) or die "cannot connect: $@";
    $client->on(write => sub { send_all($socket, $_[1]) });
    $client->on(read => sub { push @messages, $_[1] });
    $client->on(connect => sub { $_[0]->write("message $_") for 1 .. 3 });
    $client->on(error => sub { die $_[1] });
    $client->connect;
    while (@messages < 3) {
        sysread $socket, my $buffer, 65536 or die 'the server closed the connection';
        $client->read($buffer);
    }
    check("the helper's echo", "@messages", 'message 1 message 2 message 3');
    $client->disconnect;
}

sub connection {
    my ($offered) = @_;
    my $handshake = Protocol::WebSocket::Handshake::Client->new(url => $url, version => $version);
    $handshake->req->subprotocol($offered) if defined $offered;
    my ($host, $port) = $url =~ m{^ws://([^:/]+):(\d+)/};
    my $socket = IO::Socket::INET->new(PeerAddr => $host, PeerPort => $port) or die "cannot connect: $@";
    send_all($socket, $handshake->to_string);
    $input = '';
    until ($handshake->is_done) {
        sysread $socket, my $buffer, 65536 or die 'no response';
        $input .= $buffer;
        $handshake->parse($input) or die $handshake->error;
    }
    return ($socket, $handshake);
}

sub echo {
    my ($name, $type, $bytes) = @_;
    put(type => $type, buffer => $bytes);
    check($name, get(), $bytes);
    check('the frame is ' . $type, $frames->is_binary ? 'binary' : 'text', $type);
}

sub put {
    send_all($socket, $handshake->build_frame(max_payload_size => 0, @_)->to_bytes);
}

sub get {
    while (1) {
        my $bytes = $frames->next_bytes;
        return $bytes if defined $bytes;
        sysread $socket, my $buffer, 65536 or die 'the server closed the connection';
        $frames->append($buffer);
    }
}

sub send_all {
    my ($socket, $bytes) = @_;
    while (length $bytes) {
        my $n = syswrite $socket, $bytes or die "cannot write: $!";
        substr $bytes, 0, $n, '';
    }
}

sub check {
    my ($name, $found, $wanted) = @_;
    die sprintf "FAILED %s: found %.200s, wanted %.200s\n", $name, $found, $wanted unless $found eq $wanted;
    print "ok $name\n";
}
