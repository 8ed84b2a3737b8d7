// The devices that the person is signed in on.

import { call, config, lang, say, signOut, Refusal } from './api.js'

const $ = id => document.getElementById(id)

// act does what a button is for, and tells the person what went wrong.
async function act(work) {
  $('error').textContent = ''
  document.body.setAttribute('aria-busy', 'true')
  try {
    await work()
  } catch (error) {
    if (error.code === 'MAILKEY.SESSION.0001') return location.reload() // the server shows the way in
    if (!(error instanceof Refusal)) throw error
    $('error').textContent = error.message
  } finally {
    document.body.removeAttribute('aria-busy')
  }
}

async function load() {
  const { sessions } = await (await call('GET', 'sessions')).json()
  sessions.sort((a, b) => b.current - a.current || b.last_seen_at - a.last_seen_at)
  $('list').replaceChildren(...sessions.map(row))
  $('others').hidden = sessions.length < 2
}

function row(session) {
  const device = deviceName(session.agent, session.operating_sys_version)
  const about = element('div', 'about',
    element('strong', '', device),
    ' ', session.current ? element('span', 'badge', say('say_this_device')) : '',
    element('span', 'hint', session.ip),
    element('span', 'hint', say('say_used', { when: ago(session.last_seen_at) })),
    element('span', 'hint', say('say_since', { when: date(session.created_at) })))
  const item = element('li', '', about)
  if (!session.current) {
    const button = element('button', '', say('say_sign_out'))
    button.type = 'button'
    button.setAttribute('aria-label', say('say_sign_out_of', { device }))
    button.addEventListener('click', () => act(() => end('sessions/' + encodeURIComponent(session.id))))
    item.append(button)
  }
  return item
}

// end ends other sessions, and shows those that are left.
async function end(path) {
  await call('DELETE', path)
  await load()
  $('status').textContent = say('say_ended')
  $('title').focus() // the button is gone
}

function element(name, className, ...content) {
  const e = document.createElement(name)
  e.className = className
  e.append(...content)
  return e
}

// The names that people know, in the order in which they are looked for: most
// browsers call themselves by several.
const browsers = [['Edg', 'Edge'], ['OPR', 'Opera'], ['SamsungBrowser', 'Samsung Internet'], ['Firefox'], ['FxiOS', 'Firefox'],
  ['Chrome'], ['CriOS', 'Chrome'], ['Safari']]
const systems = [['Windows'], ['iPhone'], ['iPad'], ['Android'], ['CrOS', 'ChromeOS'], ['Mac', 'macOS'], ['Linux']]

function deviceName(agent, os) {
  const find = (names, text) => {
    const found = names.find(([part]) => text.includes(part))
    return found?.[1] ?? found?.[0]
  }
  const browser = find(browsers, agent), system = find(systems, agent) ?? find(systems, os)
  if (browser && system) return say('say_device', { browser, system })
  return browser ?? system ?? agent.slice(0, 60)
}

const relative = new Intl.RelativeTimeFormat(lang, { numeric: 'auto' })

// ago puts a time into words: "5 minutes ago".
function ago(time) {
  const minutes = Math.round((Date.now() / 1000 - time) / 60)
  if (minutes < 60) return relative.format(-Math.max(0, minutes), 'minute')
  if (minutes < 24 * 60) return relative.format(-Math.round(minutes / 60), 'hour')
  return relative.format(-Math.round(minutes / 60 / 24), 'day')
}

const date = time => new Date(1000 * time).toLocaleString(lang, { dateStyle: 'medium', timeStyle: 'short' })

$('here').addEventListener('click', () => act(async () => {
  await signOut()
  location.replace(config.page || '/')
}))
$('others').addEventListener('click', () => act(() => end('sessions?others=true')))

// Who comes back to a page that the browser kept sees nothing of what it
// showed, and is told anew.
addEventListener('pagehide', () => $('list').replaceChildren())
addEventListener('pageshow', event => { if (event.persisted) location.reload() })

$('here').disabled = false
if ('list' in config) act(load)
