#!/usr/bin/perl
# Measures Perl's Protocol::WebSocket with the same work. Prints lines of workload, column and nanoseconds per message.
#   perl perl.pl [SECONDS] <REQUEST      SECONDS is the duration of each of five rounds, 0.1 by default
use strict;
use warnings;

use Protocol::WebSocket::Frame;
use Protocol::WebSocket::Handshake::Server;
use Time::HiRes qw(CLOCK_PROCESS_CPUTIME_ID clock_gettime);

my $seconds = shift // 0.1;
my %lengths = (16 => '16 B', 125 => '125 B', 1024 => '1 KiB', 16384 => '16 KiB', 1048576 => '1 MiB');

# Prints the median of the processor times of five rounds.
sub report {
    my ($workload, $column, $units, $pass) = @_;
    my @rounds;
    for (1 .. 5) {
        my ($passes, $start, $now) = (0, processor_time());
        do { $pass->(); $passes++; $now = processor_time() } while ($now - $start < $seconds);
        push @rounds, ($now - $start) / ($passes * $units);
    }
    printf "%s\t%s\t%.1f\n", $workload, $column, 1e9 * (sort { $a <=> $b } @rounds)[2];
}

sub processor_time { return clock_gettime(CLOCK_PROCESS_CPUTIME_ID) }

for my $len (sort { $a <=> $b } keys %lengths) {
    my $text = join '', map { chr(32 + $_ * 7 % 94) } 0 .. $len - 1;
    my $count = $len < 65536 ? 65536 / $len : 1;
    $count = int $count;
    my $wire = '';
    $wire .= Protocol::WebSocket::Frame->new(buffer => $text, masked => 1, max_payload_size => 0)->to_bytes for 1 .. $count;
    my $decoder = Protocol::WebSocket::Frame->new(max_payload_size => 0);
    report('decode masked ASCII text', $lengths{$len}, $count, sub {
        for (my $at = 0; $at < length $wire; $at += 65536) {
            $decoder->append(my $read = substr $wire, $at, 65536);
            while (defined(my $message = $decoder->next)) { length $message == $len or die }
        }
    });
    for my $role (0, 1) {
        report($role ? 'encode, client' : 'encode, server', $lengths{$len}, 1, sub {
            Protocol::WebSocket::Frame->new(buffer => $text, masked => $role, max_payload_size => 0)->to_bytes;
        });
    }
}

my $request = do { local $/; <STDIN> };
report('server handshake', "a browser's request", 1, sub {
    my $handshake = Protocol::WebSocket::Handshake::Server->new;
    $handshake->parse(my $read = $request);
    $handshake->is_done or die;
    $handshake->to_string;
});
