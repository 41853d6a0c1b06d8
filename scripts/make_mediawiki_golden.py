#!/usr/bin/env python3
"""Writes tests/golden/mediawiki: small dumps as MediaWiki writes them, and pages.jsonl, what the Python package mwxml reads in them.

A line of pages.jsonl is a dump. Needs mwxml (0.3.8).

    python3 scripts/make_mediawiki_golden.py tests/golden/mediawiki
"""
import bz2
import gzip
import io
import json
import os
import sys
from xml.sax.saxutils import escape, quoteattr

import mwxml

NAMES = {-2: "Media", 0: "", 1: "Talk", 4: "Project", 6: "Datei", 10: "Vorlage", 14: "Kategorie"}
MILL = """{{Infobox|name=Mill}}
'''Die M\u00fchle''' ist ein [[Bauwerk]] & \u201emehr\u201c <ref>x < y</ref>.
\t\U0001f600 ]]> &amp; &nbsp;

== Siehe auch ==
[[Kategorie:Bauwerk]]
"""


def head(version):
    space = f"http://www.mediawiki.org/xml/export-{version}/"
    names = "".join(f'      <namespace key="{k}" case="first-letter"' + (f">{n}</namespace>\n" if n else " />\n") for k, n in NAMES.items())
    return (f'<mediawiki xmlns="{space}" xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance" '
            f'xsi:schemaLocation="{space} {space[:-1]}.xsd" version="{version}" xml:lang="de">\n'
            "  <siteinfo>\n    <sitename>M\u00fchlenwiki</sitename>\n    <dbname>millwiki</dbname>\n"
            "    <base>https://mill.example.org/wiki/Haupt_Seite</base>\n    <generator>MediaWiki 1.44.0</generator>\n"
            f"    <case>first-letter</case>\n    <namespaces>\n{names}    </namespaces>\n  </siteinfo>\n")


def revision(number, when, text, parent=None, model="wikitext", form="text/x-wiki", new=True, stub=False, deleted=False, extra="", who=True):
    """One <revision>; new: with what 0.11 has more."""
    size = len(text.encode())
    sha = 'sha1="3i42h3s6nnfq2msvx7xzkyayscx5qbyj" ' if new else ""
    if deleted:
        body = f'<text bytes="{size}" {sha}deleted="deleted" />'
    elif stub:
        body = f'<text bytes="{size}" {sha}location="tt:{number}" id="{number}" />'
    elif text:
        body = f'<text bytes="{size}" {sha}xml:space="preserve">{escape(text)}</text>'
    else:
        body = f'<text bytes="0" {sha}/>'
    user = "<username>Anna &amp; Co</username>\n        <id>7</id>" if who else "<ip>192.0.2.1</ip>"
    return ("    <revision>\n" f"      <id>{number}</id>\n" + (f"      <parentid>{parent}</parentid>\n" if parent else "") +
            f"      <timestamp>{when}</timestamp>\n      <contributor>\n        {user}\n      </contributor>\n      <minor />\n"
            "      <comment>a &lt;text&gt; that is none</comment>\n" + (f"      <origin>{number}</origin>\n" if new else "") +
            f"      <model>{model}</model>\n      <format>{form}</format>\n      {body}\n{extra}"
            "      <sha1>3i42h3s6nnfq2msvx7xzkyayscx5qbyj</sha1>\n    </revision>\n")


def page(number, namespace, title, revisions, redirect=None, more=""):
    return (f"  <page>\n    <title>{escape(title)}</title>\n    <ns>{namespace}</ns>\n    <id>{number}</id>\n" +
            (f"    <redirect title={quoteattr(redirect)} />\n" if redirect else "") + more + "".join(revisions) + "  </page>\n")


slot = ("      <content>\n        <role>mediainfo</role>\n        <origin>5</origin>\n        <model>wikibase-mediainfo</model>\n"
        "        <format>application/json</format>\n        <text bytes=\"2\" sha1=\"x\" xml:space=\"preserve\">{}</text>\n      </content>\n")
articles = [
    page(1, 0, "M\u00fchle", [revision(11, "2026-05-30T23:59:59Z", MILL, parent=3)]),
    page(2, 0, "Wind & Wasser", [revision(5, "2026-06-01T00:00:00Z", "#WEITERLEITUNG [[M\u00fchle]]")], redirect='M\u00fchle "gro\u00df" & klein'),
    page(3, 1, "Talk:M\u00fchle", [revision(6, "2001-01-15T13:15:00Z", "line 1\nline 2\n\n  line 3", who=False)],
         more="    <restrictions>edit=sysop:move=sysop</restrictions>\n"),
    page(5, 0, "Leer", [revision(7, "2026-06-02T00:00:00Z", "", extra=slot)]),
    page(6, 0, "Daten", [revision(8, "2026-06-03T00:00:00Z", '{"a": "<b>"}', model="json", form="application/json")]),
    page(7, 0, "Verborgen", [revision(9, "2026-06-04T00:00:00Z", "secret", deleted=True)]),
    page(4294967297, 0, "Gro\u00dfe Nummer", [revision(4294967299, "2026-06-05T12:34:56Z", "Sp\u00e4ter [[Datei:M.jpg|thumb|weg]] da.")]),
]
ids = range(1, 7)
history = [
    page(1, 0, "M\u00fchle", [revision(i, f"2026-0{i}-0{i}T01:02:03Z", "x" * i, parent=i - 1 or None, new=False, stub=True, deleted=i == 3)
                              for i in ids]),
    page(3, 1, "Talk:M\u00fchle", [revision(20, "2005-01-01T00:00:00Z", "talk", new=False, stub=True)]),
    page(5, 0, "Leer", [revision(30, "2026-06-02T00:00:00Z", "", new=False, stub=True),
                        revision(31, "2004-06-02T00:00:00Z", "imported", parent=30, new=False, stub=True)]),
    page(6, 0, "Daten", [revision(40, "2026-06-03T00:00:00Z", "x", parent=39, new=False, stub=True)]),
    page(4294967297, 0, "Gro\u00dfe Nummer", [revision(50, "2026-06-05T12:34:56Z", "y", new=False, stub=True)]),
]
full = [
    page(1, 0, "M\u00fchle", [revision(i, f"2026-0{i}-0{i}T01:02:03Z", f"Version {i} der M\u00fchle.\n" * i, parent=i - 1 or None, new=False) for i in ids]),
    page(8, 0, "Ohne Fassung", []),
]


def packed(kind, before, pages):
    if kind == "multistream":  # the head, pages by twos, the end: each a stream of its own
        parts = [before] + ["".join(pages[i:i + 2]) for i in range(0, len(pages), 2)] + ["</mediawiki>\n"]
        return b"".join(bz2.compress(p.encode()) for p in parts)
    whole = (before + "".join(pages) + "</mediawiki>\n").encode()
    return gzip.compress(whole, mtime=0) if kind == "gzip" else whole


def what(name, data):
    """As mwxml reads it; it takes a title's namespace away where the dump has no <ns>, which ours always has."""
    raw = bz2.decompress(data) if name.endswith(".bz2") else gzip.decompress(data) if name.endswith(".gz") else data
    pages = []
    for p in mwxml.Dump.from_file(io.StringIO(raw.decode(), newline="\n")).pages:
        revisions = [{"id": r.id, "parent": int(r.parent_id or 0), "timestamp": r.timestamp.strftime("%Y-%m-%dT%H:%M:%SZ"), "model": r.model,
                      "format": r.format, "text": r.text or "", "deleted": bool(r.deleted.text)} for r in p]
        pages.append({"id": p.id, "namespace": p.namespace, "title": p.title, "redirect": p.redirect, "revisions": revisions})
    return {"file": name, "pages": pages}


folder = sys.argv[1]
os.makedirs(folder, exist_ok=True)
with open(folder + "/pages.jsonl", "w") as out:
    for name, kind, version, pages in [("pages-articles-multistream.xml.bz2", "multistream", "0.11", articles),
                                       ("stub-meta-history.xml.gz", "gzip", "0.10", history), ("pages-meta-history.xml", "plain", "0.10", full)]:
        data = packed(kind, head(version), pages)
        with open(f"{folder}/{name}", "wb") as f:
            f.write(data)
        out.write(json.dumps(what(name, data), ensure_ascii=False, sort_keys=True) + "\n")
