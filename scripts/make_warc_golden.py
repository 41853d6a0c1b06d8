#!/usr/bin/env python3
"""make_warc_golden.py FOLDER: small WARC and WET files, written by warcio (pip install warcio), and in records.json what warcio's own
ArchiveIterator reads in them. The same files every time with the same zlib. tests/test_warc.c compares cril's reader with the list.

make_warc_golden.py --list FILE...: the records of these files alone, one a line (type, id, length, sha256 of the block), to compare other files by hand."""
import hashlib
import io
import json
import os
import sys

from warcio.archiveiterator import ArchiveIterator
from warcio.statusandheaders import StatusAndHeaders
from warcio.warcwriter import WARCWriter

PAGES = [
    ("https://example.org/", "eng", "Example Domain\nThis domain is for use in examples.\n"),
    ("https://example.org/d%C3%BCrer?q=a+b", "deu,eng", "Albrecht Dürer\nMaler und Kupferstecher\n\n\nNürnberg"),
    ("http://example.net/empty", "", ""),
    ("http://example.net/warc", "eng", "A record begins so:\nWARC/1.0\r\nWARC-Type: conversion\r\nContent-Length: 3\r\n\r\nabc\r\n\r\nEnd."),
    ("http://例え.jp/頁", "jpn", "\r\n\r\n先頭の空行\n" * 3 + "\r\n\r\n"),
]


def identity(n):
    return f"<urn:uuid:00000000-0000-4000-8000-{n:012d}>"


class Writer:
    def __init__(self, path, gzip, version):
        self.file = open(path, "wb")
        self.writer = WARCWriter(self.file, gzip=gzip, warc_version=version)
        self.version, self.n = version, 0

    def add(self, kind, block, uri=None, content_type=None, headers=None, http=None):
        self.n += 1
        fraction = f".{self.n}00000" if self.version == "1.1" else ""
        fields = {"WARC-Record-ID": identity(self.n), "WARC-Date": f"2026-06-{self.n:02d}T23:59:59{fraction}Z", **(headers or {})}
        self.writer.write_record(self.writer.create_warc_record(
            uri, kind, payload=io.BytesIO(block), warc_content_type=content_type or "", warc_headers_dict=fields, http_headers=http))

    def close(self):
        self.file.close()


def write_wet(path, gzip, version):
    w = Writer(path, gzip, version)
    w.add("warcinfo", b"software: make_warc_golden.py\r\nformat: WARC File Format\r\n", content_type="application/warc-fields")
    for uri, language, text in PAGES:
        headers = {"WARC-Refers-To": identity(900 + w.n)}
        if language:
            headers["WARC-Identified-Content-Language"] = language
        w.add("conversion", text.encode(), uri, "text/plain", headers)
    w.close()


def write_crawl(path, gzip, version):
    w = Writer(path, gzip, version)
    page = b"<!doctype html><title>Example</title>"
    answer = StatusAndHeaders("200 OK", [("Content-Type", "text/html"), ("Content-Length", str(len(page)))], protocol="HTTP/1.1")
    again = StatusAndHeaders("304 Not Modified", [], protocol="HTTP/1.1")
    question = StatusAndHeaders("GET / HTTP/1.1", [("Host", "example.org")], is_http_request=True)
    w.add("warcinfo", b"software: make_warc_golden.py\r\n", content_type="application/warc-fields")
    w.add("request", b"", PAGES[0][0], http=question)
    w.add("response", page, PAGES[0][0], http=answer)
    w.add("metadata", b"fetchTimeMs: 12\r\n", PAGES[0][0], "application/warc-fields")
    w.add("revisit", b"", PAGES[0][0], http=again, headers={"WARC-Profile": "http://netpreserve.org/warc/1.1/revisit/identical-payload-digest"})
    w.add("resource", bytes(range(256)), "file:///bytes", "application/octet-stream")
    w.close()


def records(path):
    with open(path, "rb") as f:
        for r in ArchiveIterator(f, no_record_parse=True):
            block = r.raw_stream.read()
            yield {"type": r.rec_type, "id": r.rec_headers.get_header("WARC-Record-ID"), "address": r.rec_headers.get_header("WARC-Target-URI"),
                   "date": r.rec_headers.get_header("WARC-Date"), "length": len(block), "sha256": hashlib.sha256(block).hexdigest()}


def main():
    if sys.argv[1] == "--list":
        for path in sys.argv[2:]:
            for r in records(path):
                print(r["type"], r["id"], r["length"], r["sha256"])
        return
    folder = sys.argv[1]
    os.makedirs(folder, exist_ok=True)
    files = {"wet-1.0.warc.wet.gz": (write_wet, True, "1.0"), "wet-1.1.warc.wet": (write_wet, False, "1.1"),
             "crawl-1.0.warc": (write_crawl, False, "1.0"), "crawl-1.1.warc.gz": (write_crawl, True, "1.1")}
    listed = []
    for name, (write, gzip, version) in files.items():
        path = os.path.join(folder, name)
        write(path, gzip, version)
        listed.append({"file": name, "records": list(records(path))})
    with open(os.path.join(folder, "records.json"), "w", encoding="utf-8") as f:
        json.dump(listed, f, ensure_ascii=False, indent=1)
        f.write("\n")


if __name__ == "__main__":
    main()
