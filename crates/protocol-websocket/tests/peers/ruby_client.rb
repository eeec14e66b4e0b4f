# Ruby's websocket as a client of an echo server.
#
#     ruby ruby_client.rb URL SUBPROTOCOL VERSION
#
# Prints a line for each successful check, and exits with a status other than 0 at the first failure.
# The server supports SUBPROTOCOL. VERSION is 75, 8 or 13. (The package supports 76, too, but parses the proof of the
# response as lines of text, and fails if the proof contains a line feed.)

require 'socket'
require 'uri'
require 'websocket'

$stdout.sync = true
Thread.new { sleep 120; exit! 1 }

def check(name, found, wanted)
  abort "FAILED #{name}: found #{found.inspect[0, 200]}, wanted #{wanted.inspect[0, 200]}" unless found == wanted
  puts "ok #{name}"
end

url, subprotocol, version = ARGV
old = version == '75'
handshake = WebSocket::Handshake::Client.new(url: url, version: version.to_i, protocols: [subprotocol])
uri = URI(url)
socket = TCPSocket.new(uri.host, uri.port)
socket.write(handshake.to_s)
handshake << socket.readpartial(65_536) until handshake.finished?
check 'handshake', handshake.error, nil
check 'valid', handshake.valid?, true
WebSocket.max_frame_size = 1 << 20
incoming = WebSocket::Frame::Incoming::Client.new(version: handshake.version)
incoming << handshake.leftovers if handshake.leftovers

put = lambda do |data, type, code = nil|
  options = { version: handshake.version, data: data, type: type }
  options[:code] = code if code
  socket.write(WebSocket::Frame::Outgoing::Client.new(**options).to_s)
end
get = lambda do
  loop do
    frame = incoming.next
    return frame if frame
    incoming << socket.readpartial(65_536)
  end
end

['Hello', 'Größe κόσμε 世界 🦀', 'a' * 125, 'b' * 126, 'é' * 32_768].each do |text|
  put.call(text, :text)
  check "text of #{text.bytesize} bytes", get.call.to_s.b, text.b
end
unless old
  put.call('', :text)
  check 'empty text', get.call.to_s, ''
  put.call("\xFF".b * 65_536, :binary)
  check 'binary', get.call.to_s.b, "\xFF".b * 65_536
  put.call('are you there', :ping)
  frame = get.call
  check 'pong', [frame.type, frame.to_s], [:pong, 'are you there']
end
put.call('', :close, old ? nil : 1000)
check 'close', get.call.type, :close
