# SPDX-License-Identifier: Apache-2.0
"""A second implementation of cfed/v1, written from docs/PROTOCOL.md alone and in its order: everything between bytes.
What goes over HTTP stands in client.py. Every step can be taken alone, so that tests can say what no client would."""

import base64
import ctypes
import datetime
import hashlib
import os
import re
import secrets

sodium = ctypes.CDLL("libsodium.so.23")
utf8proc = ctypes.CDLL("libutf8proc.so.2")
libc = ctypes.CDLL(None)
utf8proc.utf8proc_NFKC_Casefold.restype = ctypes.c_void_p
utf8proc.utf8proc_category_string.restype = ctypes.c_char_p
libc.free.argtypes = [ctypes.c_void_p]
if sodium.sodium_init() < 0:
    raise RuntimeError("libsodium does not start")


class ProtocolError(Exception):
    """What was read or typed is not as cfed/v1 wants it."""


def require(condition, complaint):
    if not condition:
        raise ProtocolError(complaint)


# ---- 2. Notation ---------------------------------------------------------------------------------

L = 2**252 + 27742317777372353535851937790883648493
NO_KEY = b""


def u8(number):
    return number.to_bytes(1, "big")


def u16(number):
    return number.to_bytes(2, "big")


def u32(number):
    return number.to_bytes(4, "big")


def D(key, label, data, n):
    label = label.encode("ascii")
    return hashlib.blake2b(u8(len(label)) + label + data, digest_size=n, key=key).digest()


def scalar(number):
    return (number % L).to_bytes(32, "little")


def number_of(scalar_bytes):
    number = int.from_bytes(scalar_bytes, "little")
    require(len(scalar_bytes) == 32 and number < L, "not a scalar")
    return number


def reduce(wide):
    return int.from_bytes(wide, "little") % L


def is_point(point):
    return (len(point) == 32 and point[31] < 0x80 and point != bytes(32)
            and sodium.crypto_core_ristretto255_is_valid_point(point) == 1)


def multiply(number, point):
    product = ctypes.create_string_buffer(32)
    require(sodium.crypto_scalarmult_ristretto255(product, scalar(number), point) == 0, "the product is the identity")
    return product.raw


def multiply_base(number):
    product = ctypes.create_string_buffer(32)
    require(sodium.crypto_scalarmult_ristretto255_base(product, scalar(number)) == 0, "the product is the identity")
    return product.raw


def add(point, other):
    total = ctypes.create_string_buffer(32)
    require(sodium.crypto_core_ristretto255_add(total, point, other) == 0, "not points")
    return total.raw


BASE = multiply_base(1)


def b64(data):
    return base64.urlsafe_b64encode(data).decode("ascii").rstrip("=")


def unb64(text, length=None):
    require(isinstance(text, str) and re.fullmatch(r"[A-Za-z0-9_-]*", text) and len(text) % 4 != 1, "not B64")
    data = base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))
    require(b64(data) == text, "unused bits of B64 are not zero")
    require(length is None or len(data) == length, "B64 of another length")
    return data


def time_text(moment=None):
    moment = moment or datetime.datetime.now(datetime.timezone.utc)
    return moment.strftime("%Y-%m-%dT%H:%M:%SZ")


def lines(*strings):
    return "\n".join(strings).encode("utf-8")


class SigningKey:
    """An Ed25519 key pair from its 32-byte seed."""

    def __init__(self, seed=None):
        self.seed = seed or os.urandom(32)
        public, secret = ctypes.create_string_buffer(32), ctypes.create_string_buffer(64)
        sodium.crypto_sign_ed25519_seed_keypair(public, secret, self.seed)
        self.public, self.secret = public.raw, secret.raw

    def sign(self, message):
        signature = ctypes.create_string_buffer(64)
        sodium.crypto_sign_ed25519_detached(signature, None, message, ctypes.c_ulonglong(len(message)), self.secret)
        return signature.raw


def verifies(signature, message, public):
    return len(signature) == 64 and len(public) == 32 and sodium.crypto_sign_ed25519_verify_detached(
        signature, message, ctypes.c_ulonglong(len(message)), public) == 0


class FederationKeys:
    def __init__(self, F, federation_id):
        self.F_pat = D(F, "cfed/v1/F/pattern", b"", 64)
        self.F_ct = D(F, "cfed/v1/F/content", b"", 32)
        self.F_ix = D(F, "cfed/v1/F/index", b"", 32)
        self.F_q = D(F, "cfed/v1/F/query", b"", 32)
        self.key_check = D(F, "cfed/v1/key-check", federation_id, 16)[:8]


# ---- 3. Canonical pattern, terms, tokens ---------------------------------------------------------

DOMAIN = re.compile(r"[a-z0-9][a-z0-9-]{0,63}")
WHITE_SPACE = re.compile("[\t-\r \x85\xa0\u1680\u2000-\u200a\u2028\u2029\u202f\u205f\u3000]+")
STOP_WORDS = """
a about after all also an and any are as at be because been before being between both but by can could did do does
doing during each few for from had has have having he her here his how i if in into is it its may me might more most
much must my no nor not of off on once only or other our out over own same she should so some such than that the their
them then there these they this those through to too under until up very was we were what when where which while who
why will with would you your""".split()
TERMS_OF_PATTERN, TERMS_OF_QUERY = 16, 32


def category(character):
    return utf8proc.utf8proc_category_string(ord(character)).decode("ascii")


def casefold(text):
    """NFKC_Casefold, then NFC of the whole."""
    folded = utf8proc.utf8proc_NFKC_Casefold(text.encode("utf-8"))
    require(folded, "cannot be folded")
    try:
        return ctypes.string_at(folded).decode("utf-8")
    finally:
        libc.free(folded)


def tidied_summary(text):
    """Steps 1 to 7; `canonical_summary` adds the last, which asks for a term."""
    if isinstance(text, bytes):
        try:
            text = text.decode("utf-8")
        except UnicodeDecodeError as error:
            raise ProtocolError("not UTF-8") from error
    text = WHITE_SPACE.sub(" ", text)
    require(not any(category(c) in ("Cc", "Cn", "Co", "Cs") for c in text), "a character that no text may have")
    return re.sub(" +", " ", casefold(text)).strip(" ").rstrip(".,;:! ")


def canonical_summary(text):
    text = tidied_summary(text)
    require(text and terms(text), "no term is left")
    return text


def canonical_pattern(domain, text):
    require(DOMAIN.fullmatch(domain), "not a domain")
    M = domain.encode("ascii") + b"\n" + canonical_summary(text).encode("utf-8")
    require(len(M) <= 1000, "longer than 1000 bytes")
    return M


def stem(word):
    if len(word) < 4:
        return word
    for ending, exceptions, becomes in (("ies", ("eies", "aies"), "y"), ("es", ("aes", "ees", "oes"), "e"),
                                        ("s", ("us", "ss"), "")):
        if word.endswith(ending):
            return word if word.endswith(exceptions) else word[:-len(ending)] + becomes
    return word


def terms(summary, most=TERMS_OF_PATTERN):
    separated = "".join(c if category(c)[0] in "LM" or category(c) == "Nd" else " " for c in summary)
    stems = (stem(word) for word in separated.split(" ") if word and word not in STOP_WORDS)
    return list(dict.fromkeys(stems))[:most]


def token(keys, term, token_bits):
    value = int.from_bytes(D(keys.F_ix, "cfed/v1/term", term.encode("utf-8"), 16)[:4], "big")
    return value >> (32 - token_bits) << (32 - token_bits) or 1


def tokens(keys, words, token_bits):
    return sorted({token(keys, word, token_bits) for word in words})


def index_plaintext(keys, M, token_bits):
    summary = M.split(b"\n", 1)[1].decode("utf-8")
    return b"".join(u32(t) for t in tokens(keys, terms(summary), token_bits)).rjust(64, b"\0")


def query_tokens(keys, text, token_bits):
    return tokens(keys, terms(canonical_summary(text), TERMS_OF_QUERY), token_bits)


# ---- 4. One contribution -------------------------------------------------------------------------

CONTEXT = b"OPRFV1-\x01-ristretto255-SHA512"


def expand_message(message, tag, length=64):
    """RFC 9380 expand_message_xmd with SHA-512; up to 64 bytes need one block."""
    tag += u8(len(tag))
    first = hashlib.sha512(bytes(128) + message + u16(length) + b"\0" + tag).digest()
    return hashlib.sha512(first + b"\x01" + tag).digest()[:length]


def hash_to_group(message):
    point = ctypes.create_string_buffer(32)
    sodium.crypto_core_ristretto255_from_hash(point, expand_message(message, b"HashToGroup-" + CONTEXT))
    require(is_point(point.raw), "the input hashes to the identity")
    return point.raw


def hash_to_scalar(message):
    return reduce(expand_message(message, b"HashToScalar-" + CONTEXT))


def sized(*parts):
    return b"".join(u16(len(part)) + part for part in parts)


def composites(public_key, blinded, evaluated):
    seed = hashlib.sha512(sized(public_key, b"Seed-" + CONTEXT)).digest()
    M = Z = None
    for i, (c, d) in enumerate(zip(blinded, evaluated)):
        weight = hash_to_scalar(sized(seed) + u16(i) + sized(c, d) + b"Composite")
        m, z = multiply(weight, c), multiply(weight, d)
        M, Z = (m, z) if M is None else (add(M, m), add(Z, z))
    return M, Z


def challenge(public_key, M, Z, t2, t3):
    return hash_to_scalar(sized(public_key, M, Z, t2, t3) + b"Challenge")


def proof_holds(public_key, blinded, evaluated, proof):
    require(len(proof) == 64 and is_point(public_key), "not a proof")
    c, s = number_of(proof[:32]), number_of(proof[32:])
    M, Z = composites(public_key, blinded, evaluated)
    t2 = add(multiply_base(s), multiply(c, public_key))
    t3 = add(multiply(s, M), multiply(c, Z))
    return challenge(public_key, M, Z, t2, t3) == c


def oprf_input(keys, federation_id, epoch, M, token_bits):
    pattern_hash = D(keys.F_pat, "cfed/v1/pattern",
                     u16(len(M)) + M + u8(token_bits) + index_plaintext(keys, M, token_bits), 64)
    return b"cfed/v1/pattern" + federation_id + u32(epoch) + pattern_hash


def random_scalar():
    return secrets.randbelow(L - 1) + 1


def blind(message, blinding):
    return multiply(blinding, hash_to_group(message))


def finalize(message, blinding, evaluated):
    unblinded = multiply(pow(blinding, -1, L), evaluated)
    return hashlib.sha512(sized(message, unblinded) + b"Finalize").digest()


def aead(key, aad, plaintext):
    sealed = ctypes.create_string_buffer(len(plaintext) + 16)
    sodium.crypto_aead_xchacha20poly1305_ietf_encrypt(
        sealed, None, plaintext, ctypes.c_ulonglong(len(plaintext)), aad, ctypes.c_ulonglong(len(aad)), None,
        bytes(24), key)
    return sealed.raw


def aead_open(key, aad, sealed):
    plaintext = ctypes.create_string_buffer(max(len(sealed) - 16, 1))
    opened = sodium.crypto_aead_xchacha20poly1305_ietf_decrypt(
        plaintext, None, None, sealed, ctypes.c_ulonglong(len(sealed)), aad, ctypes.c_ulonglong(len(aad)),
        bytes(24), key)
    require(opened == 0, "the sealed part does not open")
    return plaintext.raw[:len(sealed) - 16]


def padded(M):
    content = u16(len(M)) + M
    return content.ljust(next(size for size in (128, 256, 512, 1024) if size >= len(content)), b"\0")


def unpadded(content):
    M = content[2:2 + int.from_bytes(content[:2], "big")]
    require(padded(M) == content, "another size or padding than M asks for")
    return M


def polynomial(R, epoch, k):
    coefficients = [reduce(D(R, "cfed/v1/coef", u32(epoch) + u8(k) + u8(j), 64)) for j in range(k)]
    require(all(coefficients), "the pattern cannot be contributed in this epoch")
    return coefficients


def release_key(s):
    return D(s, "cfed/v1/release-key", b"", 32)


def content_key(keys, s):
    return D(keys.F_ct, "cfed/v1/content-key", s, 32)


def verify_seed(keys, s):
    return D(keys.F_ct, "cfed/v1/verify-seed", s, 32)


def verifier(seed, tag):
    return D(seed, "cfed/v1/verifier", tag, 16)


def tag_of(federation_id, epoch, domain, commitments, verify_key, ciphertext, index):
    domain = domain.encode("utf-8")
    return D(NO_KEY, "cfed/v1/tag", federation_id + u32(epoch) + u8(len(commitments) // 32) + u8(len(domain)) + domain
             + commitments + verify_key + u32(len(ciphertext)) + ciphertext + index, 32)


def abscissa(federation_id, public_key):
    return reduce(D(NO_KEY, "cfed/v1/x", federation_id + public_key, 64))


def share_of(coefficients, x):
    return sum(a * pow(x, j, L) for j, a in enumerate(coefficients)) % L


class Record:
    """What all honest contributors of a pattern send alike, and the polynomial that gives each its share."""

    def __init__(self, keys, federation_id, epoch, M, R):
        self.federation_id, self.M = federation_id, M
        self.domain = M.split(b"\n", 1)[0].decode("ascii")
        self.coefficients = polynomial(R, epoch["number"], epoch["k"])
        self.s = scalar(self.coefficients[0])
        self.commitments = b"".join(multiply_base(a) for a in self.coefficients)
        self.verify_key = SigningKey(verify_seed(keys, self.s)).public
        self.ciphertext = aead(content_key(keys, self.s), b"cfed/v1/ct", padded(M))
        self.index = aead(release_key(self.s), b"cfed/v1/ix", index_plaintext(keys, M, epoch["token_bits"]))
        self.tag = tag_of(federation_id, epoch["number"], self.domain, self.commitments, self.verify_key,
                          self.ciphertext, self.index)

    def json(self, public_key, confidence):
        share = share_of(self.coefficients, abscissa(self.federation_id, public_key))
        return {"tag": b64(self.tag), "domain": self.domain, "commitments": b64(self.commitments),
                "verify_key": b64(self.verify_key), "ciphertext": b64(self.ciphertext), "index": b64(self.index),
                "share": b64(scalar(share)), "confidence": confidence}


# ---- 5. Release ----------------------------------------------------------------------------------

def interpolate(points):
    """The secret of a group: the value at 0 of the polynomial through (x, y) pairs."""
    s = 0
    for x_i, y_i in points:
        weight = 1
        for x_j, _ in points:
            if x_j != x_i:
                weight = weight * x_j * pow(x_j - x_i, -1, L) % L
        s = (s + y_i * weight) % L
    return s


# ---- 6. What a client checks -----------------------------------------------------------------------

def checked_federation(federation, coordinator_key=None, federation_id=None):
    """The parameters, once the signature and what was pinned agree."""
    epoch = federation["epoch"]
    require(federation["protocol"] == "cfed/v1", "another protocol")
    require(coordinator_key in (None, federation["coordinator_key"]), "another coordinator than the pinned one")
    require(federation_id in (None, federation["federation_id"]), "another federation than the pinned one")
    signed = lines("cfed/v1/epoch", federation["coordinator_key"], federation["federation_id"], str(epoch["number"]),
                   str(epoch["k"]), str(epoch["token_bits"]), epoch["oprf_public_key"], epoch["oprf_url"] or "",
                   epoch["started_at"])
    require(verifies(unb64(epoch["signature"], 64), signed, unb64(federation["coordinator_key"], 32)),
            "the epoch's signature does not verify")
    require(2 <= epoch["k"] <= 16 and 8 <= epoch["token_bits"] <= 32, "parameters out of range")
    return federation


def checked_pattern(pattern, keys, federation):
    """(domain, summary) of a released pattern, after every check of section 6.5."""
    epoch = next((e for e in federation["epochs"] if e["number"] == pattern["epoch"]), None)
    commitments = unb64(pattern["commitments"])
    require(epoch and len(commitments) == 32 * epoch["k"], "of an unknown epoch, or another k")
    s, verify_key = unb64(pattern["secret"], 32), unb64(pattern["verify_key"], 32)
    ciphertext, index = unb64(pattern["ciphertext"]), unb64(pattern["index"], 80)
    require(multiply_base(number_of(s)) == commitments[:32], "s is not the secret of C_0")
    tag = tag_of(unb64(federation["federation_id"], 16), pattern["epoch"], pattern["domain"], commitments, verify_key,
                 ciphertext, index)
    require(tag == unb64(pattern["tag"], 32), "the tag is not the record's")
    M = unpadded(aead_open(content_key(keys, s), b"cfed/v1/ct", ciphertext))
    require(SigningKey(verify_seed(keys, s)).public == verify_key, "W is another key")
    domain, _, summary = M.partition(b"\n")
    require(domain.decode("ascii") == pattern["domain"], "sealed under another domain")
    require(canonical_pattern(pattern["domain"], summary) == M, "not canonical")
    require(aead_open(release_key(s), b"cfed/v1/ix", index) == index_plaintext(keys, M, epoch["token_bits"]),
            "the index is not that of M")
    return pattern["domain"], summary.decode("utf-8")


# ---- 6.7 Sealed questions and answers ----------------------------------------------------------------

PADDED = (256, 1024, 4096, 16384)


def padded_text(text):
    text = text.encode("utf-8")
    size = next(size for size in PADDED if size >= 2 + len(text))
    return (u16(len(text)) + text).ljust(size, b"\0")


def unpadded_text(P):
    length = int.from_bytes(P[:2], "big")
    text = P[2:2 + length].decode("utf-8")
    require(text and padded_text(text) == P, "not the padding that fits")
    return text


def xchacha_seal(key, nonce, aad, plaintext):
    sealed = ctypes.create_string_buffer(len(plaintext) + 16)
    sodium.crypto_aead_xchacha20poly1305_ietf_encrypt(sealed, None, plaintext, ctypes.c_ulonglong(len(plaintext)), aad,
                                                      ctypes.c_ulonglong(len(aad)), None, nonce, key)
    return sealed.raw


def xchacha_open(key, nonce, aad, sealed):
    plaintext = ctypes.create_string_buffer(max(0, len(sealed) - 16))
    require(len(sealed) >= 16 and sodium.crypto_aead_xchacha20poly1305_ietf_decrypt(
        plaintext, None, None, sealed, ctypes.c_ulonglong(len(sealed)), aad, ctypes.c_ulonglong(len(aad)), nonce,
        key) == 0, "does not open")
    return plaintext.raw


class ReplyKey:
    """X25519, one for each query."""

    def __init__(self):
        public, secret = ctypes.create_string_buffer(32), ctypes.create_string_buffer(32)
        sodium.crypto_box_keypair(public, secret)
        self.public, self.secret = public.raw, secret.raw


def seal_query(keys, reply_key, text, qid=None, nonce=None):
    qid, nonce = qid or os.urandom(16), nonce or os.urandom(24)
    return qid + nonce + xchacha_seal(D(keys.F_q, "cfed/v1/query-key", qid, 32), nonce, b"cfed/v1/query" + reply_key,
                                      padded_text(text))


def open_query(keys, reply_key, sealed):
    """(qid, text)."""
    qid, nonce = sealed[:16], sealed[16:40]
    return qid, unpadded_text(xchacha_open(D(keys.F_q, "cfed/v1/query-key", qid, 32), nonce,
                                           b"cfed/v1/query" + reply_key, sealed[40:]))


def seal_answer(keys, reply_key, qid, text):
    nonce = os.urandom(24)
    inner = nonce + xchacha_seal(D(keys.F_q, "cfed/v1/answer-key", qid, 32), nonce, b"cfed/v1/answer" + reply_key,
                                 padded_text(text))
    sealed = ctypes.create_string_buffer(len(inner) + 48)
    require(sodium.crypto_box_seal(sealed, inner, ctypes.c_ulonglong(len(inner)), reply_key) == 0, "not a reply key")
    return sealed.raw


def open_answer(keys, reply, qid, sealed):
    inner = ctypes.create_string_buffer(max(0, len(sealed) - 48))
    require(sodium.crypto_box_seal_open(inner, sealed, ctypes.c_ulonglong(len(sealed)), reply.public,
                                        reply.secret) == 0, "not sealed for this reply key")
    return unpadded_text(xchacha_open(D(keys.F_q, "cfed/v1/answer-key", qid, 32), inner.raw[:24],
                                      b"cfed/v1/answer" + reply.public, inner.raw[24:]))
