"""Ready phrases that two posts on either side of a line need, in four languages: each side reads its own.

They are sent as keys with what stands in their gaps. Numbers stand behind a colon, so that no grammar bends the words.
None of the translations has been reviewed by a native speaker who works in the field: see docs/glossary.md.
"""

from collections.abc import Callable, Mapping
from string import Formatter
from types import MappingProxyType
from typing import Final

from marsad.kernel.joint import Phrase
from marsad.kernel.statement import Language

FIRST, LAST = "\u2066", "\u2069"
"""Marks around what is written left to right within any text, such as a grid reference."""

URGENT: Final[frozenset[str]] = frozenset(
    {
        "group_heading", "with_you_now", "civilians", "children", "medical_help", "own_patrol", "own_people", "hold",
        "possible_explosive", "shots_heard",
    }
)  # fmt: skip
"""Phrases that go ahead of everything that can wait."""

PHRASES: Final[Mapping[Language, Mapping[str, str]]] = MappingProxyType(
    {
        "en": {
            "received": "Received.",
            "acting": "Understood. We are acting on it.",
            "say_again": "Not understood. Please say it again in other words.",
            "wait": "Please wait. We answer in about (minutes): {minutes}.",
            "link_test": "Link test. Please confirm.",
            "shift_change": "Change of shift here at {time}. On duty from then: {name}.",
            "group_heading": "A group is heading towards you, near {place}. Number of people: {count}.",
            "lost_sight": "We have lost sight of them. Last seen near {place} at {time}.",
            "with_you_now": "They are on your side of the line now, near {place}.",
            "turned_back": "They have turned back to our side.",
            "civilians": "Civilians near {place}. Do not fire. Please meet them without force.",
            "children": "There are children among them. Do not fire.",
            "medical_help": "Medical help is needed near {place}. Number of people: {count}.",
            "water_shelter": "They need water and shelter.",
            "medic_coming": "Our medic is on the way. Time to arrival (minutes): {minutes}.",
            "own_patrol": "Our patrol is near {place} until {time}. Do not fire.",
            "own_people": "Those near {place} are our own people. Do not fire.",
            "hold": "Please hold your position until we say more.",
            "no_pursuit": "We are not pursuing anybody. Please do not either.",
            "can_you_look": "Can your post look near {place}?",
            "saw_nobody": "We looked near {place} and saw nobody.",
            "cannot_look": "We cannot look there now.",
            "wrong_alarm": "Wrong alarm. Please disregard it.",
            "animal": "It was an animal.",
            "possible_explosive": "There may be an explosive near {place}. Please keep away.",
            "shots_heard": "Shots were heard near {place}. We are not firing. Do you know more?",
            "meet_at_line": "Let us meet at the line near {place} at {time}.",
            "please_call": "Please call us by telephone.",
            "thank_you": "Thank you.",
        },
        "ar": {
            "received": "استلمنا.",
            "acting": "فهمنا، ونحن نتصرّف بناءً عليه.",
            "say_again": "لم نفهم. نرجو الإعادة بعبارة أخرى.",
            "wait": "نرجو الانتظار. مدة الرد التقريبية (بالدقائق): {minutes}.",
            "link_test": "اختبار الاتصال. نرجو التأكيد.",
            "shift_change": "تبديل المناوبة عندنا في الساعة {time}. المناوب بعدها: {name}.",
            "group_heading": "مجموعة تتجه نحوكم قرب {place}. عدد الأشخاص: {count}.",
            "lost_sight": "غابوا عن أنظارنا. آخر مشاهدة قرب {place} في الساعة {time}.",
            "with_you_now": "هم الآن في جانبكم من الخط، قرب {place}.",
            "turned_back": "عادوا إلى جانبنا.",
            "civilians": "مدنيون قرب {place}. لا تطلقوا النار. نرجو استقبالهم دون استخدام القوة.",
            "children": "بينهم أطفال. لا تطلقوا النار.",
            "medical_help": "هناك حاجة إلى مساعدة طبية قرب {place}. عدد الأشخاص: {count}.",
            "water_shelter": "هم بحاجة إلى ماء ومأوى.",
            "medic_coming": "مسعفنا في الطريق. الوقت حتى الوصول (بالدقائق): {minutes}.",
            "own_patrol": "دوريتنا قرب {place} حتى الساعة {time}. لا تطلقوا النار.",
            "own_people": "الموجودون قرب {place} من أفرادنا. لا تطلقوا النار.",
            "hold": "نرجو البقاء في مواقعكم حتى إشعار آخر منا.",
            "no_pursuit": "نحن لا نطارد أحدًا. نرجو ألا تطاردوا أنتم أيضًا.",
            "can_you_look": "هل تستطيع نقطتكم مراقبة محيط {place}؟",
            "saw_nobody": "راقبنا محيط {place} ولم نشاهد أحدًا.",
            "cannot_look": "لا نستطيع مراقبة ذلك المكان الآن.",
            "wrong_alarm": "إنذار كاذب. نرجو تجاهله.",
            "animal": "كان حيوانًا.",
            "possible_explosive": "قد تكون هناك مادة متفجرة قرب {place}. نرجو الابتعاد.",
            "shots_heard": "سُمع إطلاق نار قرب {place}. نحن لا نطلق النار. هل لديكم معلومات أخرى؟",
            "meet_at_line": "لنلتقِ عند الخط قرب {place} في الساعة {time}.",
            "please_call": "نرجو الاتصال بنا هاتفيًا.",
            "thank_you": "شكرًا لكم.",
        },
        "ckb": {
            "received": "وەرمانگرت.",
            "acting": "تێگەیشتین و کاری لەسەر دەکەین.",
            "say_again": "تێنەگەیشتین. تکایە بە وشەی تر دووبارەی بکەنەوە.",
            "wait": "تکایە چاوەڕێ بکەن. کاتی وەڵام بە نزیکەیی (خولەک): {minutes}.",
            "link_test": "تاقیکردنەوەی پەیوەندی. تکایە پشتڕاستی بکەنەوە.",
            "shift_change": "گۆڕینی ئێشک لای ئێمە لە کاتژمێر {time}. ئێشکگری دواتر: {name}.",
            "group_heading": "کۆمەڵێک کەس بەرەو لای ئێوە دێن، لە نزیک {place}. ژمارەی کەسەکان: {count}.",
            "lost_sight": "لەبەرچاومان ون بوون. دواجار لە کاتژمێر {time} لە نزیک {place} بینران.",
            "with_you_now": "ئێستا لە لای ئێوەی هێڵەکەن، لە نزیک {place}.",
            "turned_back": "گەڕانەوە بۆ لای ئێمە.",
            "civilians": "خەڵکی مەدەنی لە نزیک {place} هەن. تەقە مەکەن. تکایە بەبێ بەکارهێنانی هێز پێشوازییان لێ بکەن.",
            "children": "منداڵیان لەگەڵدایە. تەقە مەکەن.",
            "medical_help": "یارمەتیی پزیشکی پێویستە لە نزیک {place}. ژمارەی کەسەکان: {count}.",
            "water_shelter": "پێویستیان بە ئاو و پەناگە هەیە.",
            "medic_coming": "فریاگوزارمان لە ڕێگایە. کاتی ماوە بۆ گەیشتن (خولەک): {minutes}.",
            "own_patrol": "دەورییەی ئێمە تا کاتژمێر {time} لە نزیک {place} دەبێت. تەقە مەکەن.",
            "own_people": "ئەو کەسانەی لە نزیک {place} هەن کەسانی خۆمانن. تەقە مەکەن.",
            "hold": "تکایە لە شوێنی خۆتان بمێننەوە تا زیاترتان پێ دەڵێین.",
            "no_pursuit": "ئێمە دوای کەس نەکەوتووین. تکایە ئێوەش دوای کەس مەکەون.",
            "can_you_look": "ئایا خاڵی چاودێریی ئێوە دەتوانێت سەیری دەوروبەری {place} بکات؟",
            "saw_nobody": "سەیری دەوروبەری {place} کرا و کەس نەبینرا.",
            "cannot_look": "ئێستا ناتوانین سەیری ئەوێ بکەین.",
            "wrong_alarm": "زەنگی هەڵە. تکایە پشتگوێی بخەن.",
            "animal": "ئاژەڵ بوو.",
            "possible_explosive": "لەوانەیە تەقەمەنی لە نزیک {place} هەبێت. تکایە دوور بکەونەوە.",
            "shots_heard": "دەنگی تەقە لە نزیک {place} بیسترا. ئێمە تەقە ناکەین. ئێوە زیاتر دەزانن؟",
            "meet_at_line": "با لە کاتژمێر {time} لەسەر هێڵەکە لە نزیک {place} یەکتر ببینین.",
            "please_call": "تکایە بە تەلەفۆن پەیوەندیمان پێوە بکەن.",
            "thank_you": "سوپاس.",
        },
        "kmr": {
            "received": "Me wergirt.",
            "acting": "Me fêm kir û em li gorî wê dikin.",
            "say_again": "Me fêm nekir. Ji kerema xwe bi gotinên din dubare bikin.",
            "wait": "Ji kerema xwe li bendê bin. Dema bersivê bi texmînî (bi deqeyan): {minutes}.",
            "link_test": "Testa girêdanê. Ji kerema xwe piştrast bikin.",
            "shift_change": "Guherîna nobetê li cem me di saet {time} de. Nobedarê nû: {name}.",
            "group_heading": "Komek ber bi we ve tê, li nêzî {place}. Hejmara kesan: {count}.",
            "lost_sight": "Em êdî wan nabînin. Cara dawî li nêzî {place} di saet {time} de hatin dîtin.",
            "with_you_now": "Niha ew li aliyê we yê xetê ne, li nêzî {place}.",
            "turned_back": "Ew vegeriyan aliyê me.",
            "civilians": "Li nêzî {place} sivîl hene. Gule neavêjin. Ji kerema xwe bêyî zorê pêşwaziya wan bikin.",
            "children": "Zarok di nav wan de hene. Gule neavêjin.",
            "medical_help": "Li nêzî {place} alîkariya bijîşkî pêwîst e. Hejmara kesan: {count}.",
            "water_shelter": "Pêdiviya wan bi av û stargehê heye.",
            "medic_coming": "Tenduristkarê me di rê de ye. Dema gihîştinê (bi deqeyan): {minutes}.",
            "own_patrol": "Dewriyeya me heta saet {time} li nêzî {place} ye. Gule neavêjin.",
            "own_people": "Yên li nêzî {place} kesên me ne. Gule neavêjin.",
            "hold": "Ji kerema xwe heta agahdariya me ya din li cihê xwe bimînin.",
            "no_pursuit": "Em nadin pey kesî. Ji kerema xwe hûn jî nedin.",
            "can_you_look": "Gelo xala we ya çavdêriyê dikare li derdora {place} binêre?",
            "saw_nobody": "Me li derdora {place} nêrî û kes nedît.",
            "cannot_look": "Em niha nikarin li wir binêrin.",
            "wrong_alarm": "Alarma çewt. Ji kerema xwe guh nedinê.",
            "animal": "Heywanek bû.",
            "possible_explosive": "Dibe ku li nêzî {place} teqemenî hebe. Ji kerema xwe dûr bisekinin.",
            "shots_heard": "Li nêzî {place} dengê guleyan hat bihîstin. Em gule navêjin. Hûn bêtir dizanin?",
            "meet_at_line": "Em li ser xetê li nêzî {place} di saet {time} de hev bibînin.",
            "please_call": "Ji kerema xwe bi telefonê bi me re têkilî deynin.",
            "thank_you": "Spas.",
        },
    }
)


def gaps_of(key: str) -> frozenset[str]:
    """What stands in the gaps of a phrase: count, place, name, time, minutes. Raises: KeyError for no phrase."""
    return frozenset(name for _, name, _, _ in Formatter().parse(PHRASES["en"][key]) if name)


def lacking(phrase: Phrase) -> str:
    """What is wrong with a phrase as it is to be sent; empty where nothing is."""
    if phrase.key not in PHRASES["en"]:
        return f"there is no ready phrase {phrase.key} here"
    given = {name for name, value in _given(phrase).items() if value is not None}
    wanted = gaps_of(phrase.key)
    if given == wanted:
        return ""
    missing, idle = sorted(wanted - given), sorted(given - wanted)
    return f"the phrase {phrase.key} {'needs' if missing else 'has no gap for'} {', '.join(missing or idle)}"


def say(phrase: Phrase, language: Language, clock: Callable[[int], str]) -> str:
    """The phrase in a language; `clock` writes a time as the reader's own console does.

    What came from the other side stands between marks, so that it cannot turn the direction of the sentence.
    """
    fault = lacking(phrase)
    if fault:
        return fault
    time = None if phrase.time_ns is None else clock(phrase.time_ns)
    filled = {**_given(phrase), "time": time}
    marked = {name: f"{FIRST}{_plain(str(value))}{LAST}" for name, value in filled.items() if value is not None}
    return PHRASES[language][phrase.key].format(**marked)


def _given(phrase: Phrase) -> dict[str, object]:
    """What is in the gaps; None where nothing is."""
    return {
        "count": phrase.count,
        "place": phrase.place.strip() or None,
        "name": phrase.name.strip() or None,
        "time": phrase.time_ns,
        "minutes": phrase.minutes,
    }


def _plain(text: str) -> str:
    """The text without marks that turn its direction, and without anything that is not seen."""
    return "".join(each for each in text if each.isprintable())
