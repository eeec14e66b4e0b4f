// The C++ library `websocketpp` as an echo server with all versions that it supports.
//
//     websocketpp_server [SUBPROTOCOL...]
//
// Prints its port on a line when it is ready. Echoes each message.
// Exits when its standard input ends, and after two minutes at the latest.

#define ASIO_STANDALONE

#include <unistd.h>

#include <algorithm>
#include <iostream>
#include <thread>

#include <websocketpp/config/asio_no_tls.hpp>
#include <websocketpp/server.hpp>

using Server = websocketpp::server<websocketpp::config::asio>;
using websocketpp::connection_hdl;

int main(int count, char **words) {
    alarm(120);
    const std::vector<std::string> subprotocols(words + 1, words + count);
    Server server;
    server.clear_access_channels(websocketpp::log::alevel::all);
    server.set_validate_handler([&](connection_hdl handle) {
        auto connection = server.get_con_from_hdl(handle);
        for (const auto &name : connection->get_requested_subprotocols()) {
            if (std::find(subprotocols.begin(), subprotocols.end(), name) != subprotocols.end()) {
                connection->select_subprotocol(name);
                break;
            }
        }
        return true;
    });
    server.set_message_handler([&](connection_hdl handle, Server::message_ptr message) {
        server.send(handle, message->get_payload(), message->get_opcode());
    });

    server.init_asio();
    server.listen(asio::ip::tcp::endpoint(asio::ip::address_v4::loopback(), 0));
    server.start_accept();
    asio::error_code error;
    std::cout << server.get_local_endpoint(error).port() << std::endl;
    std::thread([] {
        char buffer[4096];
        while (read(0, buffer, sizeof buffer) > 0) {
        }
        _exit(0);
    }).detach();
    server.run();
}
