"""Which charset a text without a right label is likely to have, from its letters.

Evidence, not a proof: East Asian bytes must decode without an error into runs of characters that are common in
one language; the letters of an alphabet must be frequent in a language, with capitals where words have them.
"""

import codecs
import re
from collections.abc import Iterable
from math import log

_READ = 100_000  # bytes that are looked at
_HIGH = r"[\xc0-\xff\xa8\xb8]"  # letters of the Cyrillic, Greek and Hebrew charsets
_BETWEEN_HIGH = re.compile(rf"{_HIGH}(?={_HIGH})")
_BESIDE_LATIN = re.compile(r"[A-Za-z](?=[\xc0-\xff])|[\xc0-\xff](?=[A-Za-z])")
# What windows-1250 makes of Polish and Czech, and no Western language has: a Polish letter in a word or in
# "zł", Czech ě, ů and ří in a word, and bytes that windows-1252 leaves out.
_CENTRAL = re.compile(
    r"[A-Za-z\xc0-\xff][\xa3\xa5\xaf\xb3\xb9\xbf][A-Za-z\xc0-\xff]|\bz\xb3(?!\w)|\B[\xec\xf9](?=[a-z])|\xf8\xed"
    r"|[\x8d\x8f\x9d]"
)
_PORTUGUESE = re.compile(r"\xf5e|\xe3[oe]|\xe7\xe3")  # ões, ão, ãe, çã
# The letters of languages, the frequent ones first.
_ALPHABETS = {
    "windows-1251": (
        "оеаинтсрвлкмдпуяыьгзбчйхжшюцщэфёъ",
        "оанивіетрскдлумпязьгйбчхжїцшюєщґф",
        "аиоентрсвлдкпмузъгбчщйжхцшюяфь",
        "аоиенртсјвкдпмулзбгшчцњхћжљђџф",
    ),
    "koi8-r": ("оеаинтсрвлкмдпуяыьгзбчйхжшюцщэфёъ",),
    "windows-1253": ("αοτεινσρςκπμλίυηάόγέδωύήθχφβξώζψϊϋΐΰ",),
    "windows-1255": ("יוהלאתרבשמנםדחעפקכגטסצזןךףץ",),
}
_LATIN = {
    "windows-1252": ("üäöß", "éèàêçâîôûùëïœ", "óíáñéúü", "ãçáéíóõêâúàô", "àèùòìé", "äöåé", "øåæéü", "ëéïöü")
    + ("ðáíþóéöúæý",),
    "windows-1250": ("łąężśćóńź", "íáěéřšžýčůúťďňó", "áíčýžúšľťéďňôäóĺŕ", "áéöóőüíúű", "ăîâţş", "čšžćđ"),
    "windows-1254": ("ıüşçğöiâîû",),
}
_STRANGE = log(0.0004)
# Letters of one language only at places where no other has them, in windows-1252: Turkish ş and ğ in a word or
# at its end, where Icelandic has no þ; Romanian ş before a letter.
_TURKISH = re.compile(r"[a-z\xdf-\xff]\xfe|[\xf0][\xfd\xfc]|\B\xfd[a-z]", re.IGNORECASE)
_ROMANIAN = re.compile(r"[\xaa\xba](?=[a-z\xe2\xe3\xee])|\xfe\xe3|\xe3\xfe")

_EAST = {
    "cp932": "ja",
    "euc_jp": "ja",
    "cp949": "ko",
    "gb18030": "zh",
    "big5hkscs": "tw",
}
_STRICT = {"cp932": "cp932", "euc_jp": "euc_jp", "cp949": "euc_kr", "gb18030": "gb2312", "big5hkscs": "big5"}
_COMMON = {
    "ja": "日本人年月大会社中国時分行前間生上下書見出事者手自合場業地電話番号名金額請求顧客様注文税込円数量商品単価計"
    "支払期限先住所氏東京都道府県市区町村株式有限田山川木鈴佐藤高橋伊渡辺小林加吉野松井内部長課担当御送付添発日付件"
    "個明細備考合小計消費振込銀口座店普通予約確認了承願致新規更変更取引納品書領収見積売入庫在種類型備名",
    "ko": "이다는에의가을를은고하지한로기사도서자시그어나정일리인대수아해과부있전보제라장주구원상들으스면연것게니국만"
    "여거저동세생요성문적되와안신용금액객명청산서합계번호전화주품목단총발행세급일자계약업처담당님회박최홍길김영수내"
    "역결입출납드립송받매판매재고견적코드름표",
    "zh": "的一是不了在人有我他这中大来上国个到说们为子和你地出道也时年得就那要下以生会自着去之过家学对可她里后小么心"
    "多天而能好都然没日于起还发成事只作当想看文无开手十用主行方又如前所本见经头面公同三已老从动两长知民样现分将外但"
    "身些与高意进把法此实回二理美点月明其种声全工名称客户金额发票号码单价数量总计合税款付银账电话地址司限责任北京"
    "海广州深圳有产品订购日期编备注张王李陈刘杨赵元支收件联系请您谢附已",
    "tw": "的一是不了在人有我他這中大來上國個到說們為子和你地出道也時年得就那要下以生會自著去之過家學對可她裡後小麼心"
    "多天而能好都然沒日於起還發成事只作當想看文無開手十用主行方又如前所本見經頭面公同三已老從動兩長知民樣現分將外但"
    "身些與高意進把法此實回二理美點月明其種聲全工名稱客戶金額發票號碼單價數量總計合稅款付銀帳電話地址司限責任台北臺"
    "灣香港產品訂購日期編備註張王李陳劉楊趙元支收件聯絡請您謝附統股份",
}


def guess(data: bytes) -> str:
    """The likeliest charset, as Python knows it; windows-1252 when nothing speaks for another."""
    data = data[:_READ]
    east, charset = max((_east(data, charset), charset) for charset in _EAST)
    text = data.decode("latin-1")
    if len(_BETWEEN_HIGH.findall(text)) <= len(_BESIDE_LATIN.findall(text)):
        return charset if east > 1 else _latin(data, text)
    likelihood, alphabet = max(
        (_likelihood(words, letters), charset)
        for charset, languages in _ALPHABETS.items()
        if (words := _text(data, charset))
        for letters in languages
    ) if any(_text(data, each) for each in _ALPHABETS) else (_STRANGE, "windows-1251")
    return charset if east > 1 and (likelihood < _UNLIKELY or east > 2) else alphabet


_WORD = re.compile(r"[^\x00-\x40\[-`{-\x7f\xa0«»„“”‘’–—…№§©]+")
_ALL_CAPITALS = 0.7  # few texts are written in capitals alone
_UNLIKELY = log(0.02)  # on average for a letter


def _text(data: bytes, charset: str) -> str:
    """The text, "" for bytes that the charset does not have. The last character may be cut."""
    try:
        return codecs.getincrementaldecoder(charset)().decode(data)
    except ValueError:
        return ""


# --- East Asia ---


def _east(data: bytes, charset: str) -> float:
    """From -3 to 3: how common the characters are. At most 0 for text whose characters stand alone."""
    text = _text(data, charset)
    runs = re.findall(r"[^\x00-\x7f]+", text)
    found = [letter for run in runs for letter in run]
    in_runs = sum(len(run) for run in runs if len(run) > 1)
    if not found or in_runs < 0.6 * len(found):
        return -3
    weights = {letter: _weight(letter, charset) for letter in set(found)}
    return sum(weights[letter] for letter in found) / len(found)


def _weight(letter: str, charset: str) -> float:
    language = _EAST[charset]
    if letter in _COMMON[language]:
        return 3
    if "\u3000" <= letter <= "\u3002" or letter in "・ー「」，：；（）￥！？":
        return 1.5
    if "\u3041" <= letter <= "\u30fa":
        return 3 if language == "ja" else -1
    try:
        lead = letter.encode(_STRICT[charset])[0]
    except ValueError:
        return -3
    if "\uac00" <= letter <= "\ud7a3":
        return 2
    if not "\u4e00" <= letter <= "\u9fff":
        return -1 if "\uff10" > letter or letter > "\uff5a" else 1
    if language == "ko":
        return -1
    # The sets are sorted: the characters of everyday use come first.
    everyday = {"cp932": 0x98, "euc_jp": 0xD0, "gb18030": 0xD8, "big5hkscs": 0xC7}[charset]
    return 1 if lead < everyday else -1


# --- alphabets ---


def _likelihood(text: str, letters: str) -> float:
    """The mean logarithm of how likely each letter beyond ASCII is in the language."""
    chances = _chances(letters)
    total, count = 0.0, 0
    for word in _WORD.findall(text):
        high = [letter for letter in word if letter > "\x7f" and (letter.isalpha() or len(word) > 1)]
        is_written = word.islower() or word.isupper() or word.istitle() or word.lower() == word.upper()
        total += sum(chances.get(letter.lower(), _STRANGE) for letter in high)
        total -= (0.0 if is_written else 2.0) * len(high) + (_ALL_CAPITALS * len(high) if word.isupper() else 0)
        count += len(high)
    return total / count if count else _STRANGE


def _chances(letters: str) -> dict[str, float]:
    """By rank, as letters are distributed in most languages."""
    weights = [1 / (rank + 4) for rank in range(len(letters))]
    whole = sum(weights)
    return {letter: log(weight / whole) for letter, weight in zip(letters, weights, strict=True)}


def _latin(data: bytes, text: str) -> str:
    if _CENTRAL.search(text):
        return "windows-1250"
    if _PORTUGUESE.search(text):
        return "windows-1252"
    if _ROMANIAN.search(text):
        return "windows-1250"
    if _TURKISH.search(text):
        return "windows-1254"
    return max(_LATIN, key=lambda charset: _best(_text(data, charset), _LATIN[charset]))


def _best(text: str, languages: Iterable[str]) -> float:
    return max((_likelihood(text, letters) for letters in languages), default=_STRANGE) if text else _STRANGE
