"""The format of a kept token: any file that is not exactly one is a miss, and reading needs next to nothing."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mstoken.model import Note, Token
from mstoken.stores import token_file, token_file_reader
from mstoken.stores.cipher import Cipher
from mstoken.stores.cleanup import clean_folder
from mstoken.stores.folder_access_tokens import FolderAccessTokens

KEY = "ab" * 20
TOKEN = Token("eyJ0.access.token", 4_000_000_000, "Bearer", 3_999_999_000, "https://graph.microsoft.com/.default")
FIELDS = (TOKEN.token, TOKEN.expires_on, TOKEN.token_type, TOKEN.refresh_on, TOKEN.scope, TOKEN.got_on)
CONTENT = token_file.encode(KEY, TOKEN, None)
NOTE = Note("throttled\ntext of two lines", 3_999_999_000, 4_000_000_000)
NOTE_CONTENT = token_file.encode_note(KEY, NOTE, None)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A private folder with one kept token."""
    made = tmp_path / "tokens"
    made.mkdir(mode=0o700)
    (made / f"{KEY}.token").write_bytes(CONTENT)
    return made


def test_the_fast_path_reads_tokens_that_the_store_writes(memory_folder: str) -> None:
    """One format, written by the store and read without it."""
    FolderAccessTokens(memory_folder).save(KEY, TOKEN)
    assert token_file_reader.read_token(memory_folder, KEY) == FIELDS


def _no_cipher() -> Cipher:
    raise AssertionError("a clear file needs no cipher")


def test_the_fast_path_reads_notes_that_the_store_writes(memory_folder: str) -> None:
    """One format for the store and for the reader without libraries."""
    FolderAccessTokens(memory_folder).save_note(KEY, NOTE)
    assert token_file_reader.read_note(memory_folder, KEY) == (NOTE.text, NOTE.written_on, NOTE.expires_on)
    assert token_file_reader.read_token(memory_folder, KEY) is None


@pytest.mark.parametrize("length", range(len(NOTE_CONTENT)))
def test_a_note_that_was_cut_off_anywhere_is_a_miss(length: int) -> None:
    """An incomplete pause or reason is not used."""
    assert token_file.decode_note(KEY, NOTE_CONTENT[:length], _no_cipher) is None


def test_a_note_may_have_lines_of_a_later_version() -> None:
    """Unknown lines are skipped; an unknown version of the format is a miss, and cleanup leaves its file alone."""
    later = NOTE_CONTENT.replace(b"written_on", b"reason 429\nwritten_on")
    assert token_file.decode_note(KEY, later, _no_cipher) == NOTE
    assert token_file.decode_note(KEY, NOTE_CONTENT.replace(b"note 1", b"note 2", 1), _no_cipher) is None
    assert token_file.expires_on(NOTE_CONTENT.replace(b"note 1", b"note 2", 1)) is None
    assert token_file.expires_on(NOTE_CONTENT) == NOTE.expires_on


@pytest.mark.parametrize("kind", ["pause", "note", "same-as"])
def test_notes_in_the_format_of_older_versions_are_ignored_until_they_expire(memory_folder: str, kind: str) -> None:
    """Older versions stored pauses, other notes and aliases as tokens of made-up types, under the same keys."""
    store = FolderAccessTokens(memory_folder)
    store.save(KEY, Token("throttled", 4_000_000_000, kind, 3_999_999_000))
    assert store.load_note(KEY) is None
    assert store.tokens() == []
    assert clean_folder(memory_folder, 4_000_000_001) == 1


def test_an_encrypted_note_cannot_replace_a_token_or_another_note() -> None:
    """Encryption binds the kind, the key and the expiry."""
    cipher = Cipher(b"k" * 32)
    sealed = token_file.encode_note(KEY, NOTE, cipher)
    assert token_file.decode_note(KEY, sealed, lambda: cipher) == NOTE
    assert token_file.decode_note("cd" * 20, sealed, lambda: cipher) is None
    assert token_file.decode(KEY, sealed.replace(b"-note", b"-token", 1), lambda: cipher) is None
    assert token_file.decode_note(KEY, sealed.replace(b"4000000000", b"4000000001", 1), lambda: cipher) is None


@pytest.mark.parametrize("length", range(len(CONTENT)))
def test_a_file_cut_off_anywhere_is_a_miss(length: int) -> None:
    """No part of a file passes for a whole one: a cut token would be refused by every service."""
    assert token_file_reader.parse(CONTENT[:length]) is None


@given(st.binary())
def test_any_bytes_are_a_token_or_a_miss(content: bytes) -> None:
    """No content makes reading fail, with our first line before it or without."""
    for text in (
        content,
        token_file_reader.CLEAR + b"1\n" + content,
        token_file_reader.CLEAR + b"1\n" + content + token_file_reader.END,
    ):
        fields = token_file_reader.parse(text)
        assert fields is None or (fields[0] and isinstance(fields[1], int))


@given(position=st.integers(0, len(CONTENT) - 1), byte=st.integers(0, 255))
def test_a_changed_byte_never_gives_control_characters(position: int, byte: int) -> None:
    """What comes out can stand in an HTTP header: no line break, nothing unprintable."""
    fields = token_file_reader.parse(CONTENT[:position] + bytes([byte]) + CONTENT[position + 1 :])
    assert fields is None or (fields[0].isascii() and fields[0].isprintable())


def test_a_line_of_a_later_version_is_skipped() -> None:
    """Later versions may add what they like to say about a token."""
    assert token_file_reader.parse(CONTENT.replace(b"token_type", b"service graph\ntoken_type")) == FIELDS


def test_a_later_format_is_a_miss() -> None:
    """A format we do not know is not guessed at."""
    assert token_file_reader.parse(CONTENT.replace(b"token 1 ", b"token 2 ", 1)) is None


def test_anything_but_a_regular_file_is_a_miss(folder: Path) -> None:
    """A link is not followed, a pipe not waited for, a folder no error."""
    (folder / "11.token").symlink_to(folder / f"{KEY}.token")
    os.mkfifo(folder / "22.token")
    (folder / "33.token").mkdir()
    assert token_file_reader.read_token(str(folder), KEY) == FIELDS
    assert [token_file_reader.read_token(str(folder), key) for key in ("11", "22", "33", "44")] == [None] * 4


def test_a_token_in_a_folder_that_others_can_write_to_is_a_miss(folder: Path, tmp_path: Path) -> None:
    """A planted token would send someone's data to a stranger: neither an open folder nor a link to one is read."""
    (tmp_path / "link").symlink_to(folder)
    assert token_file_reader.read_token(str(tmp_path / "link"), KEY) is None
    folder.chmod(0o770)
    assert token_file_reader.read_token(str(folder), KEY) is None
    assert FolderAccessTokens(str(folder)).load(KEY) is None


def test_reading_imports_nothing_beyond_the_package_itself() -> None:
    """The command line's quick path pays for reading one file, and for no library."""
    program = (
        "import sys, mstoken.stores; before = set(sys.modules)\n"
        "from mstoken.stores import user_folders, token_file_reader\n"
        "token_file_reader.read_token(user_folders.token_folder(), 'ab')\n"
        "print(sorted(set(sys.modules) - before))"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    allowed = ["_blake2", "mstoken.fingerprints", "mstoken.stores.token_file_reader", "mstoken.stores.user_folders"]
    assert done.stdout.strip() == str(allowed)


def test_a_token_too_long_to_read_back_is_not_written() -> None:
    """What the reader would cut off is refused by the writer."""
    with pytest.raises(ValueError, match="longer"):
        token_file.encode(KEY, Token("x" * token_file_reader.MAX_BYTES, 1), None)


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() != 0, reason="only root can give a file away")
def test_another_users_file_is_not_read(tmp_path: Path) -> None:
    """Even where the folder passes for ours: it may have been swapped between the look at it and the opening."""
    file = tmp_path / "key.token"
    file.write_bytes(b"planted")
    assert token_file_reader.read_file(str(tmp_path), "key") == b"planted"
    os.chown(file, 65534, 65534)
    assert token_file_reader.read_file(str(tmp_path), "key") == b""
