"""The words of a plan's report in four languages.

None of the translations has been reviewed by a native speaker who works in the field: see docs/glossary.md.
"""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

from marsad.kernel.statement import Language

PLAN: Final[Mapping[Language, Mapping[str, str]]] = MappingProxyType(
    {
        "en": {
            "title": "Plan for {line}, {site}",
            "illustrative": "Illustrative terrain: generated, not surveyed. Nothing here is evidence about a real "
            "place.",
            "short": "In short",
            "detection": "Whoever crosses in either direction, knowing all that is built, is detected with a "
            "probability of at least {reached}; {required} was asked for.",
            "interruption": "Whoever crosses in either direction, knowing all that is built, is detected and met in "
            "time with a probability of at least {reached}; {required} was asked for.",
            "cost": "It costs {cost}. No plan made of the same options costs less than {bound}, which is proven: a "
            "better plan would save {gap} at most.",
            "years": "The cost is of building, and of running it for {years} years.",
            "budget": "{budget} may be spent. No plan that this pays for reaches more than {attainable}, which is "
            "proven.",
            "dead": "Nothing sees {share} of the sector's ground.",
            "map": "What is built, what it sees (yellow), and the ways on which the least is noticed.",
            "bill": "Bill of quantities", "item": "Item", "number": "Number", "capital": "To build",
            "running": "To run, a year", "total": "Cost", "in_all": "In all", "standing": "stands already",
            "where": "What is built, and where", "name": "Name", "place": "Place (MGRS)",
            "latlon": "Latitude, longitude",
            "phase": "Phase",
            "ways": "Worst ways", "evader": "Evader", "direction": "Direction", "probability": "Probability",
            "detected": "Detected", "minutes": "Minutes", "unseen": "Unseen, m", "crosses": "Crosses the line at",
            "response": "Response, minutes",
            "critical": "{evader}, {direction}: noticed after {place}, he is through before anybody is there.",
            "judgements": "By what an evader knows", "knows": "Knows",
            "curve": "Cost against probability", "bound": "Proven bound",
            "losses": "What the loss of each costs", "without": "Probability without it",
            "loss_words": "The probability on the worst way while one thing is out of service.",
            "sensitivity": "What it rests on", "premise": "If", "low": "Least", "median": "Median", "high": "Most",
            "detection_rate": "cameras find somebody {factor} times as fast",
            "reach": "cameras see {factor} times as far",
            "ground": "elevation data are off by {factor} m (one sigma), {draws} draws",
            "tenth": "Nine of ten at least", "kept": "Reaches what was asked",
            "drawn_words": "On each drawn ground it is found anew what is seen, which ways are the worst, and how soon "
            "somebody comes.",
            "check": "Foretold and simulated", "foretold": "Foretold", "simulated": "Simulated", "walks": "Walks",
            "check_words": "{walks} walks on other ways than the plan was made with were simulated one by one, look by "
            "look of each camera.",
            "check_high": "What is foretold of a walk is {difference} off on average, {over} too high in the mean.",
            "check_low": "What is foretold of a walk is {difference} off on average, {over} too low in the mean.",
            "check_brier": "Brier score {brier}; for the simulated probabilities themselves {least}, which nothing "
            "can better.",
            "check_detection": "Of {whole} walks under the whole plan {under} were detected less surely than was asked "
            "for, the least with {least}.",
            "check_interruption": "Of {whole} walks under the whole plan {under} were stopped in time less surely than "
            "was asked for, the least with {least}.",
            "check_picture": "Each walk by what was foretold of it and what came of it. On the grey line the plan "
            "foretells truly; above it, it is too careful.",
            "phases": "Order of building", "so_far": "Cost so far", "reached_so_far": "Probability then",
            "unaware": "Against those who know nothing",
            "limits": "What this does not say",
            "limits_words": "The probabilities are a model's. Costs are those of the plan file. Weather, contrast and "
            "the crew's attention are in the rates alone. Walk the worst ways before anything is built.",
        },
        "ar": {
            "title": "خطة {line}، {site}",
            "illustrative": "تضاريس توضيحية: مولَّدة وليست ممسوحة. لا شيء هنا دليل على مكان حقيقي.",
            "short": "الخلاصة",
            "detection": "كل من يعبر في أي من الاتجاهين، وهو يعرف كل ما بُني، يُكشف باحتمال لا يقل عن {reached}؛ "
            "والمطلوب {required}.",
            "interruption": "كل من يعبر في أي من الاتجاهين، وهو يعرف كل ما بُني، يُكشف ويُعترض في الوقت المناسب "
            "باحتمال "
            "لا يقل عن {reached}؛ والمطلوب {required}.",
            "cost": "الكلفة {cost}. لا توجد خطة من الخيارات نفسها تكلف أقل من {bound}، وهذا مثبت: أي خطة أفضل توفر "
            "{gap} على الأكثر.",
            "years": "الكلفة تشمل البناء والتشغيل مدة {years} سنوات.",
            "budget": "يمكن إنفاق {budget}. لا تبلغ أي خطة بهذا المبلغ أكثر من {attainable}، وهذا مثبت.",
            "dead": "لا يُرى {share} من أرض القاطع من أي موقع.",
            "map": "ما يُبنى، وما يراه (بالأصفر)، والطرق التي يقل فيها الكشف إلى أدنى حد.",
            "bill": "جدول الكميات", "item": "البند", "number": "العدد", "capital": "كلفة البناء",
            "running": "كلفة التشغيل سنويًا", "total": "الكلفة", "in_all": "المجموع", "standing": "قائم أصلًا",
            "where": "ما يُبنى ومكانه", "name": "الاسم", "place": "الموقع (MGRS)", "latlon": "خط العرض وخط الطول",
            "phase": "المرحلة",
            "ways": "أسوأ الطرق", "evader": "العابر", "direction": "الاتجاه", "probability": "الاحتمال",
            "detected": "احتمال الكشف", "minutes": "الدقائق", "unseen": "غير مرئي، م", "crosses": "يعبر الخط عند",
            "response": "الاستجابة، دقائق",
            "critical": "{evader}، {direction}: إذا كُشف بعد {place} فقد عبر قبل أن يصل أحد.",
            "judgements": "بحسب ما يعرفه العابر", "knows": "يعرف",
            "curve": "الكلفة مقابل الاحتمال", "bound": "الحد الأدنى المثبت",
            "losses": "ثمن فقدان كل عنصر", "without": "الاحتمال من دونه",
            "loss_words": "الاحتمال على أسوأ طريق حين يخرج عنصر واحد من الخدمة.",
            "sensitivity": "ما تقوم عليه الخطة", "premise": "إذا", "low": "الأدنى", "median": "الوسيط",
            "high": "الأعلى",
            "detection_rate": "كان كشف الكاميرات أسرع بمعامل {factor}",
            "reach": "كان مدى رؤية الكاميرات مضروبًا في {factor}",
            "ground": "كان خطأ بيانات الارتفاع {factor} م (انحراف معياري واحد)، {draws} محاولة",
            "tenth": "تسعة من عشرة على الأقل", "kept": "يبلغ المطلوب",
            "drawn_words": "على كل سطح مسحوب بالقرعة يُعاد حساب ما يُرى، وأسوأ الطرق، وسرعة وصول المستجيبين.",
            "check": "المتوقَّع والمحاكى", "foretold": "المتوقَّع", "simulated": "المحاكى", "walks": "عدد المسيرات",
            "check_words": "حوكيت {walks} مسيرة، واحدة واحدة ونظرة بعد نظرة من كل كاميرا، على طرق غير التي وُضعت بها "
            "الخطة.",
            "check_high": "يبتعد ما تتوقعه الخطة لكل مسيرة بمقدار {difference} في المتوسط، ويزيد عن الحاصل إجمالًا "
            "بمقدار {over}.",
            "check_low": "يبتعد ما تتوقعه الخطة لكل مسيرة بمقدار {difference} في المتوسط، وينقص عن الحاصل إجمالًا "
            "بمقدار {over}.",
            "check_brier": "درجة براير {brier}؛ وللاحتمالات المحاكاة نفسها {least}، ولا شيء أفضل منها.",
            "check_detection": "من {whole} مسيرة والخطة كاملة، كُشفت {under} باحتمال أقل من المطلوب، وأقلها {least}.",
            "check_interruption": "من {whole} مسيرة والخطة كاملة، اعتُرضت {under} في الوقت المناسب باحتمال أقل "
            "من المطلوب، "
            "وأقلها {least}.",
            "check_picture": "كل مسيرة بما توقعته الخطة لها وبما حصل لها. على الخط الرمادي يصدق التوقع، وفوقه "
            "تكون الخطة "
            "أحوط مما يلزم.",
            "phases": "ترتيب البناء", "so_far": "الكلفة حتى ذلك", "reached_so_far": "الاحتمال عندئذ",
            "unaware": "ضد من لا يعرف شيئًا",
            "limits": "ما لا تقوله هذه الخطة",
            "limits_words": "الاحتمالات احتمالات نموذج. والكلف مأخوذة من ملف الخطة. أما الطقس والتباين الحراري وانتباه "
            "الطاقم فلا تظهر إلا في معدلات الكشف. سيروا على أسوأ الطرق قبل أن يُبنى أي شيء.",
        },
        "ckb": {
            "title": "پلانی {line}، {site}",
            "illustrative": "زەوییەکی نموونەیی: دروستکراوە، پێوراو نییە. هیچ شتێک لێرە بەڵگە نییە لەسەر شوێنێکی "
            "ڕاستەقینە.",
            "short": "بە کورتی",
            "detection": "هەرکەسێک لە هەر ئاڕاستەیەکەوە بپەڕێتەوە و هەموو ئەوە بزانێت کە دروستکراوە، بە ئەگەری لانیکەم "
            "{reached} دەدۆزرێتەوە؛ {required} داواکرابوو.",
            "interruption": "هەرکەسێک لە هەر ئاڕاستەیەکەوە بپەڕێتەوە و هەموو ئەوە بزانێت کە دروستکراوە، بە ئەگەری "
            "لانیکەم {reached} دەدۆزرێتەوە و لە کاتی خۆیدا پێی دەگەن؛ {required} داواکرابوو.",
            "cost": "تێچووەکەی {cost}ـە. هیچ پلانێک لە هەمان هەڵبژاردەکان لە {bound} کەمتری تێناچێت، ئەمە سەلمێنراوە: "
            "پلانێکی باشتر زۆرترین {gap} پاشەکەوت دەکات.",
            "years": "تێچووەکە هی دروستکردن و بەکارخستنە بۆ ماوەی {years} ساڵ.",
            "budget": "دەکرێت {budget} خەرج بکرێت. هیچ پلانێک بەم پارەیە لە {attainable} زیاتر ناگات، ئەمە سەلمێنراوە.",
            "dead": "{share}ی زەویی کەرتەکە لە هیچ شوێنێکەوە نابینرێت.",
            "map": "ئەوەی دروستدەکرێت، ئەوەی دەیبینێت (زەرد)، و ئەو ڕێگایانەی کەمترین دۆزینەوەیان تێدایە.",
            "bill": "خشتەی بڕەکان", "item": "بڕگە", "number": "ژمارە", "capital": "تێچووی دروستکردن",
            "running": "تێچووی کارپێکردن، ساڵانە", "total": "تێچوو", "in_all": "کۆی گشتی", "standing": "پێشتر هەیە",
            "where": "چی دروستدەکرێت و لە کوێ", "name": "ناو", "place": "شوێن (MGRS)", "latlon": "پانی، درێژی",
            "phase": "قۆناغ",
            "ways": "خراپترین ڕێگاکان", "evader": "پەڕیوە", "direction": "ئاڕاستە", "probability": "ئەگەر",
            "detected": "ئەگەری دۆزینەوە", "minutes": "خولەک", "unseen": "نەبینراو، م",
            "crosses": "لێرە لە هێڵەکە دەپەڕێتەوە",
            "response": "وەڵامدانەوە، خولەک",
            "critical": "{evader}، {direction}: ئەگەر دوای {place} بدۆزرێتەوە، پێش گەیشتنی هەر کەسێک تێپەڕیوە.",
            "judgements": "بەپێی ئەوەی پەڕیوە دەیزانێت", "knows": "دەزانێت",
            "curve": "تێچوو بەرانبەر ئەگەر", "bound": "سنووری سەلمێنراو",
            "losses": "نرخی لەدەستدانی هەر یەکێک", "without": "ئەگەر بەبێ ئەو",
            "loss_words": "ئەگەر لەسەر خراپترین ڕێگا، کاتێک یەک شت لە کار دەکەوێت.",
            "sensitivity": "پلانەکە لەسەر چی بەندە", "premise": "ئەگەر", "low": "کەمترین", "median": "ناوەند",
            "high": "زۆرترین",
            "detection_rate": "خێرایی دۆزینەوەی کامێراکان {factor} هێندە بێت",
            "reach": "مەودای بینینی کامێراکان {factor} هێندە بێت",
            "ground": "هەڵەی داتای بەرزی {factor} م بێت (یەک لادانی پێوەری)، {draws} جار",
            "tenth": "نۆ لە دە لانیکەم", "kept": "دەگاتە داواکراو",
            "drawn_words": "لەسەر هەر زەوییەکی هەڵبژێردراو سەرلەنوێ دەدۆزرێتەوە چی دەبینرێت، خراپترین ڕێگاکان "
            "کامانەن، و "
            "چەند زوو کەسێک دەگات.",
            "check": "پێشبینیکراو و هاوشێوەکراو", "foretold": "پێشبینیکراو", "simulated": "هاوشێوەکراو",
            "walks": "ژمارەی ڕۆیشتنەکان",
            "check_words": "{walks} ڕۆیشتن، یەک بە یەک و سەیرکردن بە سەیرکردنی هەر کامێرایەک، هاوشێوە کران "
            "لەسەر ڕێگای جیا لەوانەی "
            "پلانەکەیان پێ داڕێژراوە.",
            "check_high": "ئەوەی پلانەکە بۆ ڕۆیشتنێک پێشبینی دەکات بە تێکڕا {difference} لێی دوورە، بە گشتی {over} "
            "زیاترە.",
            "check_low": "ئەوەی پلانەکە بۆ ڕۆیشتنێک پێشبینی دەکات بە تێکڕا {difference} لێی دوورە، بە گشتی {over} "
            "کەمترە.",
            "check_brier": "نمرەی برایەر {brier}؛ بۆ خودی ئەگەرە هاوشێوەکراوەکان {least}، کە هیچ شتێک لەوە باشتر نییە.",
            "check_detection": "لە {whole} ڕۆیشتن بە هەموو پلانەکەوە، {under}یان بە ئەگەری کەمتر لە داواکراو "
            "دۆزرانەوە، "
            "کەمترینیان {least}.",
            "check_interruption": "لە {whole} ڕۆیشتن بە هەموو پلانەکەوە، {under}یان لە کاتی خۆیدا بە ئەگەری کەمتر لە "
            "داواکراو ڕاگیران، کەمترینیان {least}.",
            "check_picture": "هەر ڕۆیشتنێک بەوەی بۆی پێشبینی کرابوو و بەوەی لێی دەرچوو. لەسەر هێڵە خۆڵەمێشییەکە "
            "پێشبینییەکە ڕاستە؛ لەسەرووی ئەوەوە پلانەکە لە پێویست وریاترە.",
            "phases": "ڕیزبەندیی دروستکردن", "so_far": "تێچوو تا ئەوکات", "reached_so_far": "ئەگەر ئەوکات",
            "unaware": "بەرانبەر ئەوانەی هیچ نازانن",
            "limits": "ئەوەی ئەم پلانە نایڵێت",
            "limits_words": "ئەگەرەکان هی مۆدێلێکن. تێچووەکان هی فایلی پلانن. کەشوهەوا و جیاوازیی گەرمی و وریایی "
            "تیمەکە تەنها لە ڕێژەکاندان. پێش دروستکردنی هەر شتێک بەسەر خراپترین ڕێگاکاندا بڕۆن.",
        },
        "kmr": {
            "title": "Plana ji bo {line}, {site}",
            "illustrative": "Erdê nimûneyî: hatiye çêkirin, nehatiye pîvan. Li vir tiştek ne delîla cihekî rastîn e.",
            "short": "Bi kurtî",
            "detection": "Kî ku di her du aliyan de derbas bibe û her tiştê ku hatiye avakirin bizanibe, bi îhtîmala "
            "herî "
            "kêm {reached} tê dîtin; {required} hatibû xwestin.",
            "interruption": "Kî ku di her du aliyan de derbas bibe û her tiştê ku hatiye avakirin bizanibe, bi "
            "îhtîmala "
            "herî kêm {reached} tê dîtin û di wextê xwe de tê rawestandin; {required} hatibû xwestin.",
            "cost": "Lêçûna wê {cost} e. Tu plana ji heman vebijarkan ji {bound} kêmtir lê naçe, ev îsbatkirî ye: "
            "plana "
            "çêtir herî zêde {gap} teserûf dike.",
            "years": "Lêçûn ya avakirinê û ya xebitandina {years} salan e.",
            "budget": "{budget} dikare were xerckirin. Tu plana bi vî pereyî ji {attainable} zêdetir nagihîje, ev "
            "îsbatkirî ye.",
            "dead": "{share} ji erdê sektorê ji tu cihî nayê dîtin.",
            "map": "Çi tê avakirin, çi dibîne (zer), û rêyên ku herî kêm lê tê dîtin.",
            "bill": "Lîsteya hejmaran", "item": "Tişt", "number": "Hejmar", "capital": "Avakirin",
            "running": "Xebitandin, salê", "total": "Lêçûn", "in_all": "Bi tevahî", "standing": "berê heye",
            "where": "Çi tê avakirin û li ku", "name": "Nav", "place": "Cih (MGRS)", "latlon": "Firehî, dirêjahî",
            "phase": "Qonax",
            "ways": "Rêyên herî xerab", "evader": "Derbasker", "direction": "Alî", "probability": "Îhtîmal",
            "detected": "Îhtîmala dîtinê", "minutes": "Deqe", "unseen": "Nexuya, m",
            "crosses": "Xetê li vir derbas dike",
            "response": "Bersiv, deqe",
            "critical": "{evader}, {direction}: ger piştî {place} were dîtin, berî ku kes bigihîje derbas bûye.",
            "judgements": "Li gor tiştê ku derbasker dizane", "knows": "Dizane",
            "curve": "Lêçûn li hember îhtîmalê", "bound": "Sînorê îsbatkirî",
            "losses": "Windabûna her yekê çi dibe", "without": "Îhtîmal bêyî wê",
            "loss_words": "Îhtîmala li ser rêya herî xerab dema ku yek tişt ji xizmetê derkeve.",
            "sensitivity": "Plan li ser çi radiweste", "premise": "Ger", "low": "Herî kêm", "median": "Navîn",
            "high": "Herî zêde",
            "detection_rate": "kamera {factor} qat bi lez bibînin",
            "reach": "kamera {factor} qat dûr bibînin",
            "ground": "daneyên bilindahiyê bi {factor} m şaş bin (yek sîgma), {draws} car",
            "tenth": "Neh ji dehan herî kêm", "kept": "Digihîje ya xwestî",
            "drawn_words": "Li ser her erdê kişandî ji nû ve tê dîtin ku çi tê dîtin, rêyên herî xerab kîjan in, û kes "
            "çiqas zû tê.",
            "check": "Pêşbînîkirî û simulekirî", "foretold": "Pêşbînîkirî", "simulated": "Simulekirî",
            "walks": "Meş",
            "check_words": "{walks} meş, yek bi yek û nihêrîn bi nihêrîna her kamerayê, li ser rêyên din ji yên "
            "ku plan "
            "bi wan hatiye çêkirin, hatin simulekirin.",
            "check_high": "Ya ku plan ji meşekê pêşbînî dike bi navînî {difference} dûr e, bi giştî {over} zêde ye.",
            "check_low": "Ya ku plan ji meşekê pêşbînî dike bi navînî {difference} dûr e, bi giştî {over} kêm e.",
            "check_brier": "Xala Brier {brier}; ji bo îhtîmalên simulekirî bi xwe {least}, ku tiştek jê çêtir nîne.",
            "check_detection": "Ji {whole} meşên di bin tevahiya planê de {under} bi îhtîmaleke ji ya xwestî "
            "kêmtir hatin "
            "dîtin, ya herî kêm {least}.",
            "check_interruption": "Ji {whole} meşên di bin tevahiya planê de {under} di wextê xwe de bi "
            "îhtîmaleke ji ya "
            "xwestî kêmtir hatin rawestandin, ya herî kêm {least}.",
            "check_picture": "Her meş bi ya ku jê hatibû pêşbînîkirin û ya ku jê derketiye. Li ser xeta gewr plan rast "
            "pêşbînî dike; li jorê wê ji hewceyê zêdetir hişyar e.",
            "phases": "Rêza avakirinê", "so_far": "Lêçûn heta wê demê", "reached_so_far": "Îhtîmala wê demê",
            "unaware": "Li hember ên ku tiştekî nizanin",
            "limits": "Tiştê ku ev plan nabêje",
            "limits_words": "Îhtîmal ên modelekê ne. Lêçûn ji pelê planê ne. Hewa, kontrasta germî û baldariya tîmê "
            "tenê di "
            "rêjeyan de ne. Berî ku tiştek were avakirin, li ser rêyên herî xerab bimeşin.",
        },
    }
)  # fmt: skip

PLAN_WORDS: Final[Mapping[Language, Mapping[str, str]]] = MappingProxyType(
    {
        "en": {
            "inward": "inward", "outward": "outward", "everything": "everything", "something": "something",
            "nothing": "nothing", "tower": "tower", "camera": "camera", "barrier": "barrier", "base": "patrol base",
            "post": "partner's post", "relay": "relay mast", "walker": "on foot", "vehicle": "by vehicle",
            "what stands": "what stands",
        },
        "ar": {
            "inward": "إلى الداخل", "outward": "إلى الخارج", "everything": "كل شيء", "something": "بعض الشيء",
            "nothing": "لا شيء", "tower": "برج", "camera": "كاميرا", "barrier": "حاجز", "base": "قاعدة دوريات",
            "post": "نقطة مراقبة للشريك", "relay": "سارية ترحيل", "walker": "سيرًا على الأقدام", "vehicle": "بمركبة",
            "what stands": "القائم أصلًا",
        },
        "ckb": {
            "inward": "بۆ ناوەوە", "outward": "بۆ دەرەوە", "everything": "هەموو شت", "something": "هەندێک شت",
            "nothing": "هیچ", "tower": "بورج", "camera": "کامێرا", "barrier": "بەربەست", "base": "بنکەی دەوریە",
            "post": "خاڵی چاودێریی هاوبەش", "relay": "ستوونی گواستنەوە", "walker": "بە پێ",
            "vehicle": "بە ئۆتۆمبێل", "what stands": "ئەوەی هەیە",
        },
        "kmr": {
            "inward": "ber bi hundir", "outward": "ber bi derve", "everything": "her tişt", "something": "hinek tişt",
            "nothing": "ti tişt", "tower": "birc", "camera": "kamera", "barrier": "asteng", "base": "bingeha dewriyeyê",
            "post": "xala çavdêriyê ya hevpar", "relay": "stûna ragihandinê", "walker": "bi peyatî",
            "vehicle": "bi wesayîtê",
            "what stands": "tiştê ku heye",
        },
    }
)  # fmt: skip

_MAP_WORDS: Final[Mapping[Language, Mapping[str, str]]] = MappingProxyType(
    {
        "en": {
            "line": "line", "seen": "seen by a tower or camera", "built": "{kind}, built: {count}",
            "candidate": "candidate", "worst_way": "worst way {direction}, {evader}: {probability}",
            "east": "east of the site's origin, m", "north": "north, m", "found": "found", "cost": "Cost",
            "whole": "under the whole plan", "part": "under some of it",
            "tenths": "means by tenths",
            "plan": "this plan",
        },
        "ar": {
            "line": "الخط", "seen": "يراه برج أو كاميرا", "built": "يُبنى من {kind}: {count}",
            "candidate": "موقع مرشح", "worst_way": "أسوأ طريق {direction}، {evader}: {probability}",
            "east": "شرق نقطة الأصل، م", "north": "شمالًا، م", "found": "ما وُجد", "cost": "الكلفة",
            "whole": "والخطة كاملة", "part": "وبعض الخطة فقط",
            "tenths": "متوسطات الأعشار",
            "plan": "هذه الخطة",
        },
        "ckb": {
            "line": "هێڵ", "seen": "بورجێک یان کامێرایەک دەیبینێت", "built": "دروستکراو لە {kind}: {count}",
            "candidate": "شوێنی پێشنیازکراو", "worst_way": "خراپترین ڕێگا {direction}، {evader}: {probability}",
            "east": "ڕۆژهەڵاتی خاڵی سەرەتا، م", "north": "باکوور، م", "found": "دۆزراوە", "cost": "تێچوو",
            "whole": "بە هەموو پلانەکەوە", "part": "تەنها بە بەشێکی",
            "tenths": "تێکڕای دەیەکەکان",
            "plan": "ئەم پلانە",
        },
        "kmr": {
            "line": "xet", "seen": "birc an kamerayek dibîne", "built": "{kind}, avakirî: {count}",
            "candidate": "cihê pêşniyarkirî", "worst_way": "rêya herî xerab {direction}, {evader}: {probability}",
            "east": "rojhilatê xala destpêkê, m", "north": "bakur, m", "found": "hatiye dîtin", "cost": "Lêçûn",
            "whole": "di bin tevahiya planê de", "part": "di bin hinekê de",
            "tenths": "navînên dehyekan",
            "plan": "ev plan",
        },
    }
)  # fmt: skip

_SHARED: Final = ("standing", "illustrative", "bound", "probability", "foretold", "simulated")

PLAN_MAP: Final[Mapping[Language, Mapping[str, str]]] = MappingProxyType(
    {
        language: {**PLAN_WORDS[language], **{key: PLAN[language][key] for key in _SHARED}, **words}
        for language, words in _MAP_WORDS.items()
    }
)
"""What stands in the pictures."""
