"""Messages, framing, signing, the client, and starting the backend; standard library, numpy and zmq."""
