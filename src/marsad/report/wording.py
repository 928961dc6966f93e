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
    {"en": "at least {0}", "ar": "ما لا يقل عن {1}", "ckb": "لانیکەم {0}", "kmr": "herî kêm {0}"}
)


def persons(language: Language, n: int, *, at_least: bool = False) -> tuple[str, str]:
    """So many people, as the subject of a sentence and after a preposition."""
    subject, other = _NUMBERS[language](n)
    if not at_least:
        return subject, other
    words = _AT_LEAST[language]
    return words.format(subject, other), words.format(other, other)


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
            "civilians": "ويُعدّ من رُصد من المدنيين.",
            "distress": "وكان من رُصد بحاجة إلى المساعدة.",
            "sent": "وأُرسلت دورية في الساعة {time}.",
            "arrived": "ووصلت الدورية في الساعة {time}.",
            "met": "وجرى التواصل مع {persons_of} في الساعة {time}.",
            "detained": "وأُوقف {persons}.",
            "surrendered": "واستسلم {persons}.",
            "injured": "وأُصيب {persons}.",
            "dead": "وتوفي {persons}.",
            "assisted": "وقُدمت المساعدة إلى {persons_of}.",
            "released": "وأُخلي سبيل {persons_of}.",
            "turned_back": "وسُجّلت عودة {persons_of}.",
            "nobody": "ولم يُعثر على أحد.",
            "sought": "ولا يزال البحث جاريًا عن {persons_of}.",
            "hazard": "وقد يكون المكان خطرًا، فيُرجى عدم الاقتراب منه.",
        },
        "ckb": {
            "seen": "لە {date}، کاتژمێر {time}، {persons} لە نزیک {place} بینران.",
            "seen_one": "لە {date}، کاتژمێر {time}، {persons} لە نزیک {place} بینرا.",
            "crossed": "لە کاتژمێر {time} پەڕینەوە لە هێڵەکە تۆمار کرا.",
            "civilians": "ئەوانەی بینران بە هاووڵاتیی مەدەنی دادەنرێن.",
            "distress": "پێویستیان بە یارمەتی بوو.",
            "sent": "لە کاتژمێر {time} دەورییەیەک نێردرا.",
            "arrived": "دەورییەکە لە کاتژمێر {time} گەیشت.",
            "met": "لە کاتژمێر {time} پەیوەندی لەگەڵ {persons_of} کرا.",
            "detained": "دەستگیرکراو: {persons}.",
            "surrendered": "خۆیان ڕادەست کرد: {persons}.",
            "surrendered_one": "خۆی ڕادەست کرد: {persons}.",
            "injured": "بریندار: {persons}.",
            "dead": "گیانلەدەستداو: {persons}.",
            "assisted": "یارمەتیدراو: {persons}.",
            "released": "ئازادکراو: {persons}.",
            "turned_back": "گەڕانەوە: {persons}.",
            "turned_back_one": "گەڕایەوە: {persons}.",
            "nobody": "هیچ کەسێک نەدۆزرایەوە.",
            "sought": "گەڕان بەدوای {persons_of}دا بەردەوامە.",
            "hazard": "لەوانەیە شوێنەکە مەترسیدار بێت، تکایە نزیک مەکەونەوە.",
        },
        "kmr": {
            "seen": "Roja {date}, saet {time}, {persons} li nêzî {place} hatin dîtin.",
            "seen_one": "Roja {date}, saet {time}, {persons} li nêzî {place} hat dîtin.",
            "crossed": "Di saet {time} de xet hat derbaskirin.",
            "civilians": "Ew wek sivîl têne hesibandin.",
            "distress": "Pêdiviya wan bi alîkariyê hebû.",
            "sent": "Di saet {time} de dewriyeyek hat şandin.",
            "arrived": "Dewriye di saet {time} de gihîşt.",
            "met": "Di saet {time} de bi {persons_of} re têkilî hat danîn.",
            "detained": "Hatin binçavkirin: {persons}.",
            "detained_one": "Hat binçavkirin: {persons}.",
            "surrendered": "Xwe radest kir: {persons}.",
            "injured": "Birîndar: {persons}.",
            "dead": "Jiyana xwe ji dest da: {persons}.",
            "assisted": "Alîkarî wergirt: {persons}.",
            "released": "Hatin berdan: {persons}.",
            "released_one": "Hat berdan: {persons}.",
            "turned_back": "Vegeriyan: {persons}.",
            "turned_back_one": "Vegeriya: {persons}.",
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
            "record": "سجل الحادث", "time": "الوقت", "happening": "ما حدث", "by": "القائم به", "entry": "القيد",
            "facts": "الحقائق", "withdrawn": "مسحوب", "summary": "الخلاصة", "area": "قرب {place}",
        },
        "ckb": {
            "statement": "بەیاننامە", "draft": "ڕەشنووس: پەسەند نەکراوە", "exercise": "ڕاهێنان: ڕاستەقینە نییە",
            "approved_by": "پەسەندکراو لەلایەن {name}، {time}", "embargo": "پێش {time} بڵاو ناکرێتەوە",
            "record": "تۆماری پێشهات", "time": "کات", "happening": "چی ڕوویدا", "by": "کێ", "entry": "تۆمار",
            "facts": "ڕاستییەکان", "withdrawn": "کشێنراوەتەوە", "summary": "پوختە", "area": "نزیک {place}",
        },
        "kmr": {
            "statement": "Daxuyanî", "draft": "Reşnivîs: nehatiye pejirandin", "exercise": "Tetbîqat: ne rastîn e",
            "approved_by": "Ji aliyê {name} ve hat pejirandin, {time}", "embargo": "Berî {time} nayê weşandin",
            "record": "Tomara rûdanê", "time": "Dem", "happening": "Çi qewimî", "by": "Kê kir", "entry": "Tomar",
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
            "lost": "no picture for", "seconds": "{n} s", "minutes": "{n} min", "comma": ", ",
            "nuisance_camera": "Alarms that were nothing, {where}",
            "nuisance_hour": "Alarms that were nothing, {where} h",
            "lessons": "Looked at for longer first, where nobody can tell what it is",
            "lesson": "{id}: {seconds} s ({marks}), until {until}",
        },
        "ar": {
            "title": "تقرير المناوبة", "alarms": "الإنذارات", "nuisance": "إنذارات مزعجة",
            "median": "زمن الإقرار، الوسيط", "slowest": "زمن الإقرار، الأبطأ",
            "waiting": "إنذارات تنتظر ضابطًا", "opened": "حوادث فُتحت", "closed": "حوادث أُغلقت",
            "standing": "حوادث قائمة", "sought": "أشخاص لا يزال البحث عنهم جاريًا", "orders": "دوريات أُرسلت",
            "sightings": "مشاهدات مُبلّغ عنها", "holds": "إنذارات محجوبة", "cameras": "الكاميرات",
            "lost": "بلا صورة مدة", "seconds": "{n} ث", "minutes": "{n} د", "comma": "، ",
            "nuisance_camera": "إنذارات مزعجة، {where}",
            "nuisance_hour": "إنذارات مزعجة، الساعة {where}",
            "lessons": "أماكن يُنظر فيها أطول أولًا حين لا يُعرف ما هو",
            "lesson": "{id}: {seconds} ث ({marks})، حتى {until}",
        },
        "ckb": {
            "title": "ڕاپۆرتی ئێشک", "alarms": "زەنگەکان", "nuisance": "زەنگە بێزارکەرەکان",
            "median": "کاتی وەرگرتن، ناوەند", "slowest": "کاتی وەرگرتن، خاوترین",
            "waiting": "زەنگی چاوەڕوانی ئەفسەر", "opened": "پێشهاتی کراوە", "closed": "پێشهاتی داخراو",
            "standing": "پێشهاتی بەردەوام", "sought": "ئەو کەسانەی هێشتا بەدوایاندا دەگەڕێن",
            "orders": "دەورییەی نێردراو", "sightings": "بینینی ڕاپۆرتکراو", "holds": "زەنگی ڕاگیراو",
            "cameras": "کامێراکان", "lost": "بێ وێنە بۆ", "seconds": "{n} چ", "minutes": "{n} خ", "comma": "، ",
            "nuisance_camera": "زەنگە بێزارکەرەکان، {where}",
            "nuisance_hour": "زەنگە بێزارکەرەکان، کاتژمێر {where}",
            "lessons": "شوێنەکانی کە سەرەتا درێژتر سەیر دەکرێن کاتێک نازانرێت چییە",
            "lesson": "{id}: {seconds} چ ({marks})، تا {until}",
        },
        "kmr": {
            "title": "Rapora nobetê", "alarms": "Alarm", "nuisance": "Alarmên acizker",
            "median": "Dema wergirtinê, navîn",
            "slowest": "Dema wergirtinê, ya herî hêdî",
            "waiting": "Alarmên li benda efser", "opened": "Rûdanên vekirî", "closed": "Rûdanên girtî",
            "standing": "Rûdanên berdewam", "sought": "Kesên ku hêj li wan tê gerîn", "orders": "Dewriyeyên şandî",
            "sightings": "Dîtinên ragihandî", "holds": "Alarmên ragirtî", "cameras": "Kamera",
            "lost": "bê wêne ji bo", "seconds": "{n} s", "minutes": "{n} d", "comma": ", ",
            "nuisance_camera": "Alarmên acizker, {where}",
            "nuisance_hour": "Alarmên acizker, saet {where}",
            "lessons": "Cihên ku pêşî dirêjtir lê tê nêrîn gava nayê zanîn çi ye",
            "lesson": "{id}: {seconds} s ({marks}), heta {until}",
        },
    }
)  # fmt: skip

WORDS: Final[Mapping[Language, Mapping[str, str]]] = MappingProxyType(
    {
        "en": {},
        "ar": {
            "high": "عالية", "medium": "متوسطة", "low": "منخفضة", "raised": "صدر إنذار", "again": "تكرّر",
            "updated": "حُدّث", "joined": "ضُمّ إلى آخر", "expected": "متوقّع", "worse": "ازداد خطورة",
            "over": "انتهى", "acknowledged": "أُقِرّ باستلامه", "closed": "أُغلق", "shelved": "عُلّق مؤقتًا",
            "suppressed": "كُتم", "out_of_service": "خرج من الخدمة", "released": "رُفع الحجب",
            "released_over": "رُفع الحجب وانتهى", "escalated": "صُعّد", "nuisance": "عُدّ مزعجًا",
            "opened": "فُتح", "taken": "تولّاه", "handed_over": "سُلّم", "met": "تمّ اللقاء", "added": "أضيف",
            "reopened": "أعيد فتحه", "sent": "أُرسل الأمر", "received": "استُلم", "accepted": "قُبل",
            "under_way": "في الطريق", "on_scene": "في الموقع", "done": "أُنجز", "refused": "رُفض",
            "could_not": "تعذّر", "expired": "لم يصل في الوقت المحدّد", "recalled": "أُلغي",
            "overdue": "تأخّر الجواب", "animal": "حيوان", "bird": "طائر", "insect": "حشرة",
            "vegetation": "نباتات", "weather": "الطقس", "own_force": "أفراد تابعون لنا",
            "declared": "مُصرَّح به مسبقًا", "camera": "عطل في الكاميرا", "other": "سبب آخر",
            "camera_moved": "تحرّكت الكاميرا", "panning": "الكاميرا تستدير", "gain_jump": "قفزة في الكسب",
            "flat_field_correction": "تصحيح انتظام المجال", "frozen": "صورة متجمّدة", "covered": "عدسة محجوبة",
            "defocused": "فقدان وضوح الصورة", "looped": "بثّ معاد", "dead_rows": "صفوف ميتة",
            "overlay_masked": "حُجب النص المركَّب",
        },
        "ckb": {
            "high": "بەرز", "medium": "مامناوەند", "low": "نزم", "raised": "زەنگ لێدرا",
            "again": "دووبارە بووەوە", "updated": "نوێ کرایەوە", "joined": "لەگەڵ یەکێکی تر یەکخرا",
            "expected": "چاوەڕوانکراو", "worse": "خراپتر بوو", "over": "تەواو بوو",
            "acknowledged": "وەرگیرا", "closed": "داخرا", "shelved": "بۆ ماوەیەک ڕاگیرا",
            "suppressed": "بێدەنگ کرا", "out_of_service": "لە کار خرا", "released": "ڕاگرتنەکە لابرا",
            "released_over": "ڕاگرتنەکە لابرا، تەواو بووە", "escalated": "بەرزکرایەوە",
            "nuisance": "وەک بێزارکەر نیشانکرا", "opened": "کرایەوە", "taken": "گیرایە دەست",
            "handed_over": "ڕادەستکرا", "met": "پێیان گەیشتن", "added": "زیادکرا",
            "reopened": "دووبارە کرایەوە", "sent": "فەرمان نێردرا", "received": "گەیشت",
            "accepted": "پەسەندکرا", "under_way": "لە ڕێگادایە", "on_scene": "لە شوێنەکەیە", "done": "تەواوکرا",
            "refused": "ڕەتکرایەوە", "could_not": "نەتوانرا", "expired": "لە کاتی خۆیدا نەگەیشت",
            "recalled": "گەڕێندرایەوە", "overdue": "وەڵام دواکەوت", "animal": "ئاژەڵ", "bird": "باڵندە",
            "insect": "مێروو", "vegetation": "ڕووەک", "weather": "کەشوهەوا", "own_force": "کەسانی خۆمان",
            "declared": "پێشتر ڕاگەیەندراو", "camera": "کێشەی کامێرا", "other": "شتێکی تر",
            "camera_moved": "کامێراکە جووڵاوە", "panning": "کامێراکە دەسووڕێت",
            "gain_jump": "بازدانی بەهێزکردن", "flat_field_correction": "ڕاستکردنەوەی یەکسانیی وێنە",
            "frozen": "وێنەی چەقبەستوو", "covered": "هاوێنەی داپۆشراو", "defocused": "وێنەی ناڕوون",
            "looped": "پەخشی دووبارەکراو", "dead_rows": "ڕیزی مردوو",
            "overlay_masked": "دەقی سەر وێنە پشتگوێ خراوە",
        },
        "kmr": {
            "high": "bilind", "medium": "navîn", "low": "nizm", "raised": "alarm hat dayîn",
            "again": "dîsa çêbû", "updated": "hat nûkirin", "joined": "bi yeke din re bû yek",
            "expected": "tê hêvîkirin", "worse": "xirabtir bû", "over": "qediya",
            "acknowledged": "hat wergirtin", "closed": "hat girtin",
            "shelved": "demkî hat rawestandin", "suppressed": "hat bêdengkirin",
            "out_of_service": "ji kar hat derxistin", "released": "ragirtin hat rakirin",
            "released_over": "ragirtin hat rakirin, qediya", "escalated": "hat bilindkirin",
            "nuisance": "wek acizker hat nîşankirin", "opened": "hat vekirin", "taken": "berpirsî hat hildan",
            "handed_over": "hat radestkirin", "met": "têkilî hat danîn", "added": "hat zêdekirin",
            "reopened": "dîsa hat vekirin", "sent": "ferman hat şandin", "received": "hat wergirtin",
            "accepted": "hat qebûlkirin", "under_way": "di rê de ye", "on_scene": "li cih e", "done": "qediya",
            "refused": "hat redkirin", "could_not": "nekarî", "expired": "di wextê de negihîşt",
            "recalled": "hat vegerandin", "overdue": "bersiv dereng ma", "animal": "heywan", "bird": "çûk",
            "insect": "kêzik", "vegetation": "şînahî", "weather": "hewa", "own_force": "kesên me",
            "declared": "ragihandî", "camera": "pirsgirêka kamerayê", "other": "tiştekî din",
            "camera_moved": "kamera leqiya", "panning": "kamera dizivire", "gain_jump": "bazdana bihêzkirinê",
            "flat_field_correction": "sererastkirina yeksaniyê", "frozen": "wêneyê rawestiyayî",
            "covered": "lensa girtî", "defocused": "wêneyê nezelal", "looped": "weşana dubarekirî",
            "dead_rows": "rêzên mirî", "overlay_masked": "nivîsa li ser wêneyê hat paşguhkirin",
        },
    }
)  # fmt: skip
