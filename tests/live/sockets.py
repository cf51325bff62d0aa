"""Traffic of the stack's own, through everything that is between a socket and an interface.

sockets.py listen ADDRESS PORT               takes one TCP connection; prints bytes and digest
sockets.py send ADDRESS PORT BYTES           the other end
sockets.py datagrams ADDRESS PORT COUNT WORD UDP packets that carry a word
"""
import hashlib
import random
import socket
import struct
import sys

CHUNK = 1 << 16


def listen(address, port):
    server = socket.create_server((address, port))
    server.settimeout(20)
    connection, _ = server.accept()
    connection.settimeout(20)
    digest, total = hashlib.sha256(), 0
    while data := connection.recv(CHUNK):
        digest.update(data)
        total += len(data)
    print(total, digest.hexdigest())


def send(address, port, total):
    connection = socket.create_connection((address, port), timeout=20)
    connection.settimeout(20)
    digest, left, source = hashlib.sha256(), total, random.Random(1)
    while left:
        data = source.randbytes(min(CHUNK, left))
        connection.sendall(data)
        digest.update(data)
        left -= len(data)
    connection.close()
    print(total, digest.hexdigest())


def datagrams(address, port, count, word):
    out = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    for n in range(count):
        out.sendto(struct.pack("<IIII", word, n, 0, 0), (address, port))


what, address, port, *numbers = sys.argv[1:]
{"listen": listen, "send": send, "datagrams": datagrams}[what](address, int(port), *map(int, numbers))
