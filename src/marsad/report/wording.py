"""The sentences of statements in four languages, with the numbers that their grammar asks for.

None of the translations has been reviewed by a native speaker who works in the field: see docs/glossary.md.
"""

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Final

from marsad.kernel.statement import Language

FIRST, LAST = "\u2066", "\u2069"
"""Marks around what is written left to right within any text, such as a date."""


def _english(n: int) -> tuple[str, str]:
    words = "one person" if n == 1 else f"{n} people"
    return words, words


def _arabic(n: int) -> tuple[str, str]:
    if n == 1:
        return "شخص واحد", "شخص واحد"
    if n == 2:
        return "شخصان", "شخصين"
    few = 3 <= n % 100 <= 10
    many = 11 <= n % 100 <= 99
    words = f"{n} أشخاص" if few else f"{n} شخصًا" if many else f"{n} شخص"
    return words, words


def _sorani(n: int) -> tuple[str, str]:
    words = "کەسێک" if n == 1 else f"{n} کەس"
    return words, words


def _kurmanji(n: int) -> tuple[str, str]:
    return ("kesek", "kesekî") if n == 1 else (f"{n} kes", f"{n} kesan")


_NUMBERS: Final[Mapping[Language, Callable[[int], tuple[str, str]]]] = MappingProxyType(
    {"en": _english, "ar": _arabic, "ckb": _sorani, "kmr": _kurmanji}
)

_AT_LEAST: Final[Mapping[Language, str]] = MappingProxyType(
    {"en": "at least {0}", "ar": "ما لا يقل عن {1}", "ckb": "لانیکەم {0}", "kmr": "herî kêm {1}"}
)


def persons(language: Language, n: int, *, at_least: bool = False) -> tuple[str, str]:
    """So many people, as the subject of a sentence and after a preposition."""
    subject, other = _NUMBERS[language](n)
    if not at_least:
        return subject, other
    words = _AT_LEAST[language].format(subject, other)
    return words, words


SENTENCES: Final[Mapping[Language, Mapping[str, str]]] = MappingProxyType(
    {
        "en": {
            "seen": "On {date} at {time}, {persons} were observed near {place}.",
            "seen_one": "On {date} at {time}, {persons} was observed near {place}.",
            "crossed": "The line was crossed at {time}.",
            "civilians": "They are regarded as civilians.",
            "distress": "They were in need of help.",
            "sent": "A patrol was sent at {time}.",
            "arrived": "The patrol arrived at {time}.",
            "met": "Contact was made with {persons} at {time}.",
            "detained": "Detained: {persons}.",
            "surrendered": "Gave themselves up: {persons}.",
            "injured": "Injured: {persons}.",
            "dead": "Dead: {persons}.",
            "assisted": "Given assistance: {persons}.",
            "released": "Released: {persons}.",
            "turned_back": "Turned back: {persons}.",
            "nobody": "Nobody was found.",
            "sought": "The search goes on for {persons}.",
            "hazard": "There may be danger at the place: please keep away.",
        },
        "ar": {
            "seen": "في الساعة {time} من يوم {date}، رُصد {persons} قرب {place}.",
            "crossed": "وجرى عبور الخط في الساعة {time}.",
            "civilians": "ويُعدّون من المدنيين.",
            "distress": "وكانوا بحاجة إلى المساعدة.",
            "sent": "وأُرسلت دورية في الساعة {time}.",
            "arrived": "ووصلت الدورية في الساعة {time}.",
            "met": "وجرى التواصل مع {persons_of} في الساعة {time}.",
            "detained": "وأُوقف {persons}.",
            "surrendered": "واستسلم {persons}.",
            "injured": "وأُصيب {persons}.",
            "dead": "وتوفي {persons}.",
            "assisted": "وقُدمت المساعدة إلى {persons_of}.",
            "released": "وأُخلي سبيل {persons_of}.",
            "turned_back": "وتراجع {persons}.",
            "nobody": "ولم يُعثر على أحد.",
            "sought": "ولا يزال البحث جاريًا عن {persons_of}.",
            "hazard": "وقد يكون المكان خطرًا، فيُرجى عدم الاقتراب منه.",
        },
        "ckb": {
            "seen": "لە {date}، کاتژمێر {time}، {persons} لە نزیک {place} بینران.",
            "seen_one": "لە {date}، کاتژمێر {time}، {persons} لە نزیک {place} بینرا.",
            "crossed": "لە کاتژمێر {time} هێڵەکە بەزێندرا.",
            "civilians": "بە هاووڵاتیی مەدەنی دادەنرێن.",
            "distress": "پێویستیان بە یارمەتی بوو.",
            "sent": "لە کاتژمێر {time} دەوریەیەک نێردرا.",
            "arrived": "دەوریەکە لە کاتژمێر {time} گەیشت.",
            "met": "لە کاتژمێر {time} پەیوەندی لەگەڵ {persons_of} کرا.",
            "detained": "دەستگیرکراو: {persons}.",
            "surrendered": "خۆیان ڕادەست کرد: {persons}.",
            "injured": "بریندار: {persons}.",
            "dead": "گیانلەدەستداو: {persons}.",
            "assisted": "یارمەتیدراو: {persons}.",
            "released": "ئازادکراو: {persons}.",
            "turned_back": "گەڕاوەتەوە: {persons}.",
            "nobody": "هیچ کەسێک نەدۆزرایەوە.",
            "sought": "گەڕان بەدوای {persons_of}دا بەردەوامە.",
            "hazard": "لەوانەیە شوێنەکە مەترسیدار بێت، تکایە نزیک مەکەونەوە.",
        },
        "kmr": {
            "seen": "Di {date} de, saet {time}, {persons} li nêzî {place} hatin dîtin.",
            "seen_one": "Di {date} de, saet {time}, {persons} li nêzî {place} hat dîtin.",
            "crossed": "Di saet {time} de xet hat derbaskirin.",
            "civilians": "Ew wek sivîl têne dîtin.",
            "distress": "Hewcedariya wan bi alîkariyê hebû.",
            "sent": "Di saet {time} de dewriyeyek hat şandin.",
            "arrived": "Dewriye di saet {time} de gihîşt.",
            "met": "Di saet {time} de bi {persons_of} re têkilî hat danîn.",
            "detained": "Hatin girtin: {persons}.",
            "surrendered": "Xwe radest kirin: {persons}.",
            "injured": "Birîndar: {persons}.",
            "dead": "Mirî: {persons}.",
            "assisted": "Alîkarî dîtin: {persons}.",
            "released": "Hatin berdan: {persons}.",
            "turned_back": "Vegeriyan: {persons}.",
            "nobody": "Kes nehat dîtin.",
            "sought": "Lêgerîna li {persons_of} didome.",
            "hazard": "Dibe ku cih xeter be, ji kerema xwe nêzîk nebin.",
        },
    }
)

LABELS: Final[Mapping[Language, Mapping[str, str]]] = MappingProxyType(
    {
        "en": {
            "statement": "Statement", "draft": "Draft: not approved", "exercise": "Exercise: not real",
            "approved_by": "Approved by {name}, {time}", "embargo": "Not to be published before {time}",
            "record": "Incident record", "time": "Time", "happening": "What happened", "by": "By", "entry": "Entry",
            "facts": "Facts", "withdrawn": "Withdrawn", "summary": "Summary", "area": "near {place}",
        },
        "ar": {
            "statement": "بيان", "draft": "مسودة: غير معتمدة", "exercise": "تمرين: ليس حقيقيًا",
            "approved_by": "اعتمده {name}، {time}", "embargo": "لا يُنشر قبل {time}",
            "record": "سجل الحادث", "time": "الوقت", "happening": "ما حدث", "by": "من قِبل", "entry": "القيد",
            "facts": "الوقائع", "withdrawn": "مسحوب", "summary": "الخلاصة", "area": "قرب {place}",
        },
        "ckb": {
            "statement": "ڕاگەیەندراو", "draft": "ڕەشنووس: پەسەند نەکراوە", "exercise": "ڕاهێنان: ڕاستەقینە نییە",
            "approved_by": "پەسەندکراو لەلایەن {name}، {time}", "embargo": "پێش {time} بڵاو ناکرێتەوە",
            "record": "تۆماری ڕووداو", "time": "کات", "happening": "چی ڕوویدا", "by": "لەلایەن", "entry": "تۆمار",
            "facts": "ڕاستییەکان", "withdrawn": "کشێنراوەتەوە", "summary": "پوختە", "area": "نزیک {place}",
        },
        "kmr": {
            "statement": "Daxuyanî", "draft": "Pêşnivîs: nehatiye pejirandin", "exercise": "Rahênan: ne rast e",
            "approved_by": "Ji aliyê {name} ve hat pejirandin, {time}", "embargo": "Berî {time} nayê weşandin",
            "record": "Tomara bûyerê", "time": "Dem", "happening": "Çi qewimî", "by": "Ji aliyê", "entry": "Tomar",
            "facts": "Rastî", "withdrawn": "Hatiye vekişandin", "summary": "Kurte", "area": "nêzî {place}",
        },
    }
)  # fmt: skip

BRIEF: Final[Mapping[Language, Mapping[str, str]]] = MappingProxyType(
    {
        "en": {
            "title": "Report of the watch", "alarms": "Alarms", "nuisance": "Alarms that were nothing",
            "median": "Time to acknowledge, median", "slowest": "Time to acknowledge, slowest",
            "waiting": "Alarms waiting for an officer", "opened": "Incidents opened", "closed": "Incidents closed",
            "standing": "Incidents standing", "sought": "People still sought", "orders": "Patrols sent",
            "sightings": "Sightings reported", "holds": "Alarms held back", "cameras": "Cameras",
            "lost": "no picture for",
            "nuisance_camera": "Alarms that were nothing, {where}",
            "nuisance_hour": "Alarms that were nothing, {where} h",
            "lessons": "Looked at for longer first, where nobody can tell what it is",
            "lesson": "{id}: {seconds} s ({marks}), until {until}",
        },
        "ar": {
            "title": "تقرير المناوبة", "alarms": "الإنذارات", "nuisance": "إنذارات بلا سبب حقيقي",
            "median": "زمن الإقرار، الوسيط", "slowest": "زمن الإقرار، الأبطأ",
            "waiting": "إنذارات تنتظر ضابطًا", "opened": "حوادث فُتحت", "closed": "حوادث أُغلقت",
            "standing": "حوادث قائمة", "sought": "أشخاص لا يزال البحث عنهم جاريًا", "orders": "دوريات أُرسلت",
            "sightings": "مشاهدات مُبلّغ عنها", "holds": "إنذارات موقوفة", "cameras": "الكاميرات",
            "lost": "بلا صورة مدة",
            "nuisance_camera": "إنذارات بلا سبب حقيقي، {where}",
            "nuisance_hour": "إنذارات بلا سبب حقيقي، الساعة {where}",
            "lessons": "أماكن يُنظر فيها أطول أولًا حين لا يُعرف ما هو",
            "lesson": "{id}: {seconds} ث ({marks})، حتى {until}",
        },
        "ckb": {
            "title": "ڕاپۆرتی نۆبەت", "alarms": "زەنگەکان", "nuisance": "زەنگی بێهۆ",
            "median": "کاتی دانپێدانان، ناوەند", "slowest": "کاتی دانپێدانان، خاوترین",
            "waiting": "زەنگی چاوەڕوانی ئەفسەر", "opened": "ڕووداوی کراوە", "closed": "ڕووداوی داخراو",
            "standing": "ڕووداوی بەردەوام", "sought": "کەسانی هێشتا بۆیان دەگەڕێن", "orders": "دەوریەی نێردراو",
            "sightings": "بینینی ڕاپۆرتکراو", "holds": "زەنگی ڕاگیراو", "cameras": "کامێراکان",
            "lost": "بێ وێنە بۆ",
            "nuisance_camera": "زەنگی بێهۆ، {where}",
            "nuisance_hour": "زەنگی بێهۆ، کاتژمێر {where}",
            "lessons": "شوێنەکانی کە سەرەتا درێژتر سەیر دەکرێن کاتێک نازانرێت چییە",
            "lesson": "{id}: {seconds} چرکە ({marks})، تا {until}",
        },
        "kmr": {
            "title": "Rapora nobetê", "alarms": "Alarm", "nuisance": "Alarmên bêsedem",
            "median": "Dema pejirandinê, navîn", "slowest": "Dema pejirandinê, ya herî hêdî",
            "waiting": "Alarmên li benda efser", "opened": "Bûyerên vekirî", "closed": "Bûyerên girtî",
            "standing": "Bûyerên berdewam", "sought": "Kesên ku hîn tên gerîn", "orders": "Dewriyeyên şandî",
            "sightings": "Dîtinên ragihandî", "holds": "Alarmên rawestandî", "cameras": "Kamera",
            "lost": "bê wêne ji bo",
            "nuisance_camera": "Alarmên bêsedem, {where}",
            "nuisance_hour": "Alarmên bêsedem, saet {where}",
            "lessons": "Cihên ku pêşî dirêjtir lê tê nêrîn gava nayê zanîn çi ye",
            "lesson": "{id}: {seconds} s ({marks}), heta {until}",
        },
    }
)  # fmt: skip

WORDS: Final[Mapping[Language, Mapping[str, str]]] = MappingProxyType(
    {
        "en": {},
        "ar": {
            "high": "عالية", "medium": "متوسطة", "low": "منخفضة", "raised": "رُفع", "again": "مجددًا",
            "worse": "ازداد خطورة", "over": "انتهى", "acknowledged": "أُقرّ به", "closed": "أُغلق",
            "shelved": "أُجّل", "escalated": "صُعّد", "nuisance": "بلا سبب حقيقي", "opened": "فُتح", "taken": "تولّاه",
            "handed_over": "سُلّم", "met": "التقوا بهم", "added": "أُضيف", "reopened": "أُعيد فتحه", "sent": "أُرسلت",
            "received": "استُلم", "accepted": "قُبل", "under_way": "في الطريق", "on_scene": "في المكان",
            "done": "أُنجز", "refused": "رُفض", "could_not": "تعذّر", "expired": "لم يصل", "recalled": "أُلغي",
            "overdue": "تأخر الرد", "animal": "حيوان", "bird": "طائر", "insect": "حشرة", "vegetation": "نبات",
            "weather": "الطقس", "own_force": "قوة صديقة", "declared": "معلن عنه", "camera": "الكاميرا",
            "other": "غير ذلك", "camera_moved": "تحركت", "covered": "مغطاة", "frozen": "متجمدة",
            "defocused": "غير واضحة", "looped": "مكررة", "gain_jump": "قفزة كسب", "dead_rows": "صفوف ميتة",
        },
        "ckb": {
            "high": "بەرز", "medium": "مامناوەند", "low": "نزم", "raised": "بەرزکرایەوە", "again": "دووبارە",
            "worse": "مەترسیدارتر", "over": "کۆتایی هات", "acknowledged": "دانی پێدانرا", "closed": "داخرا",
            "shelved": "دواخرا", "escalated": "بۆ سەرەوە نێردرا", "nuisance": "بێهۆ", "opened": "کرایەوە",
            "taken": "وەرگیرا", "handed_over": "ڕادەستکرا", "met": "بینران", "added": "زیادکرا",
            "reopened": "کرایەوە دووبارە", "sent": "نێردرا", "received": "گەیشت", "accepted": "پەسەندکرا",
            "under_way": "لە ڕێگادایە", "on_scene": "لە شوێنە", "done": "تەواو", "refused": "ڕەتکرایەوە",
            "could_not": "نەتوانرا", "expired": "نەگەیشت", "recalled": "هەڵوەشێنرایەوە", "overdue": "درەنگ",
            "animal": "ئاژەڵ", "bird": "باڵندە", "insect": "مێروو", "vegetation": "ڕووەک", "weather": "کەشوهەوا",
            "own_force": "هێزی خۆمان", "declared": "ڕاگەیەنراو", "camera": "کامێرا", "other": "هیتر",
            "camera_moved": "جووڵا", "covered": "داپۆشراو", "frozen": "بەستوو", "defocused": "ناڕوون",
            "looped": "دووبارەبووە", "gain_jump": "بازی گەین", "dead_rows": "ڕیزی مردوو",
        },
        "kmr": {
            "high": "bilind", "medium": "navîn", "low": "nizm", "raised": "rabû", "again": "dîsa", "worse": "xerabtir",
            "over": "qediya", "acknowledged": "hat pejirandin", "closed": "hat girtin", "shelved": "hat paşxistin",
            "escalated": "hat bilindkirin", "nuisance": "bêsedem", "opened": "hat vekirin",
            "taken": "hat girtin ser xwe", "handed_over": "hat radestkirin", "met": "hatin dîtin",
            "added": "hat zêdekirin", "reopened": "ji nû ve hat vekirin", "sent": "hat şandin", "received": "gihîşt",
            "accepted": "hat qebûlkirin", "under_way": "di rê de", "on_scene": "li cih", "done": "qediya",
            "refused": "hat redkirin", "could_not": "nebû", "expired": "negihîşt", "recalled": "hat vekişandin",
            "overdue": "dereng",
            "animal": "ajal", "bird": "balinde", "insect": "kêzik", "vegetation": "riwek", "weather": "hewa",
            "own_force": "hêza me", "declared": "ragihandî", "camera": "kamera", "other": "yên din",
            "camera_moved": "livî", "covered": "nixumandî", "frozen": "cemidî", "defocused": "ne zelal",
            "looped": "dubare", "gain_jump": "bazdana gain", "dead_rows": "rêzên mirî",
        },
    }
)  # fmt: skip
