# Ruby's em-websocket as an echo server with all its versions.
#
#     ruby em_websocket_server.rb
#
# Prints its port on a line when it is ready. Echoes each message.
# Exits when its standard input ends, and after two minutes at the latest.

require 'em-websocket'

$stdout.sync = true
module Input
  def unbind
    EM.stop
  end
end

EM.run do
  id = EM::WebSocket.start(host: '127.0.0.1', port: 0) do |peer|
    peer.onmessage { |text| peer.send_text(text) }
    peer.onbinary { |bytes| peer.send_binary(bytes) }
  end
  puts Socket.unpack_sockaddr_in(EM.get_sockname(id)).first
  EM.attach($stdin, Input)
  EM.add_timer(120) { EM.stop }
end
