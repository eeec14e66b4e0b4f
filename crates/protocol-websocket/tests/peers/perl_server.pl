# Perl's Protocol::WebSocket as an echo server with all its versions.
#
#     perl perl_server.pl [SUBPROTOCOL...]
#
# Prints its port on a line when it is ready. Echoes each message, except the text `close CODE`, at which it closes with CODE.
# Exits when its standard input ends, and after two minutes at the latest.

use strict;
use warnings;

use IO::Select;
use IO::Socket::INET;
use Protocol::WebSocket::Frame;
use Protocol::WebSocket::Handshake::Server;

$SIG{CHLD} = 'IGNORE';
alarm 120;
$| = 1;

my $listener = IO::Socket::INET->new(Listen => 16, LocalAddr => '127.0.0.1', LocalPort => 0) or die "no socket: $@";
print $listener->sockport, "\n";

my $select = IO::Select->new($listener, \*STDIN);
while (my @ready = $select->can_read) {
    for my $handle (@ready) {
        exit unless $handle == $listener;
        my $socket = $listener->accept or next;
        if (my $child = fork) {
            close $socket;
            next;
        }
        alarm 120;
        close $listener;
        serve($socket);
        exit;
    }
}

sub serve {
    my ($socket) = @_;
    my $handshake = Protocol::WebSocket::Handshake::Server->new;
    my ($input, $head, $buffer) = ('', '');
    until ($handshake->is_done) {
        sysread $socket, $buffer, 65536 or return;
        $input .= $buffer;
        $handshake->parse($input) or die $handshake->error;
        if ($handshake->is_body && !$head || $handshake->is_done) {
            my %ours = map { $_ => 1 } @ARGV;
            my ($chosen) = grep { $ours{$_} } split /\s*,\s*/, $handshake->req->subprotocol // '';
            $handshake->res->subprotocol($chosen) if defined $chosen;
            $head = 1;
            send_all($socket, $handshake->to_string);
        }
    }

    my $frames = $handshake->build_frame(max_payload_size => 0);
    $frames->append($input);
    while (1) {
        while (defined(my $bytes = $frames->next_bytes)) {
            my %answer = (buffer => $bytes, max_payload_size => 0);
            if ($frames->is_close) {
                send_all($socket, $handshake->build_frame(%answer, type => 'close')->to_bytes);
                return;
            }
            if ($bytes =~ /^close (\d+)$/ && !$frames->is_binary) {
                send_all($socket, $handshake->build_frame(type => 'close', buffer => pack('n', $1))->to_bytes);
                next;
            }
            my $type = $frames->is_ping ? 'pong' : $frames->is_binary ? 'binary' : 'text';
            send_all($socket, $handshake->build_frame(%answer, type => $type)->to_bytes);
        }
        sysread $socket, $buffer, 65536 or return;
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
