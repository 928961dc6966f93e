/** What marks of nuisance ask for at one place, in words. */
import { nameOf } from '../alerts/sentence'
import type { Lesson, Site } from '../api/types'
import { date, list, number, span, t, word } from '../i18n'

export function lessonSaid(lesson: Lesson, site: Site | null): string {
  const given = {
    rule: word('rule', lesson.rule),
    where: lesson.camera_id ? nameOf(lesson.camera_id, site) : lesson.lesson_id,
    until: t('time.until', { time: date(lesson.until_ns) }),
  }
  if (lesson.refuted) return t('lesson.refuted', given)
  const causes = new Map<string, number>()
  for (const mark of lesson.marks) causes.set(mark.cause, (causes.get(mark.cause) ?? 0) + 1)
  const asks = t('lesson.asks', {
    ...given,
    span: span(lesson.wait_s ?? 0),
    marks: list([...causes].map(([cause, n]) => `${word('cause', cause)} ${number(n)}`)),
    officers: list([...new Set(lesson.marks.map((mark) => mark.officer))]),
  })
  return lesson.lowers ? `${asks}${t('list.comma')}${t('lesson.lowers')}` : asks
}
