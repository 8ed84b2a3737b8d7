// The login page: which step is shown, and what its buttons do.

import { config, duration, post, say, signOut, Refusal } from './api.js'
import { answer, dropCaptcha, field, listen, loadCaptcha } from './captcha.js'
import { forget, remember, state } from './state.js'

const $ = id => document.getElementById(id)

const steps = ['email', 'captcha', 'code', 'done']
const product = document.title.split(' · ').slice(1).join(' · ')

let busy = false
let leaving = false

// show makes one step visible and puts the cursor where the person goes on.
function show(step) {
  remember({ step })
  if (history.state) history.replaceState({ step }, '')
  for (const id of steps) $(id).hidden = id !== step
  if (step !== 'captcha') dropCaptcha()
  const heading = $(step + '-title')
  document.title = [heading.textContent, product].filter(Boolean).join(' · ')
  if (step === 'email') $('address').value = state.email ?? ''
  if (step === 'code') {
    $('to').textContent = state.email
    $('typed').value = ''
    tick()
  }
  $('back-to-code').hidden = !alive()
  const cursor = { email: $('address'), captcha: field(), code: $('typed') }[step] ?? heading
  cursor.focus()
  cursor.select?.()
}

// advance is show for a step from which going back leads to the first one.
function advance(step) {
  if (!history.state) history.pushState({ step }, '')
  show(step)
}

// put changes a text, if it is another one: screen readers notice.
function put(element, text) {
  if (element.textContent !== text) element.textContent = text
}

// alive says whether a code that was sent still works.
const alive = () => Date.now() < (state.expiresAt ?? 0)

// act does what a button is for, one thing at a time, with a sign that it is
// being done, and tells the person what went wrong.
async function act(work) {
  if (busy || leaving) return
  busy = true
  put($('status'), '')
  for (const alert of document.querySelectorAll('.error')) alert.textContent = ''
  for (const input of document.querySelectorAll('[aria-invalid]')) input.removeAttribute('aria-invalid')
  document.body.setAttribute('aria-busy', 'true')
  const slow = setTimeout(() => put($('status'), say('say_wait')), 500)
  try {
    await work()
  } catch (error) {
    const expected = error instanceof Refusal
    tell(expected ? error : new Refusal(say('say_offline'))) // such as an answer that is none of the server's
    if (!expected) throw error
  } finally {
    clearTimeout(slow)
    if ($('status').textContent === say('say_wait')) put($('status'), '')
    if (!leaving) document.body.removeAttribute('aria-busy')
    busy = false
  }
}

// tell shows what went wrong in the step that is shown now.
function tell({ message, code, wait }) {
  const step = steps.find(id => !$(id).hidden)
  put($(step + '-error'), message)
  const input = { email: $('address'), captcha: field(), code: $('typed') }[step]
  if (code && !wait) input?.setAttribute('aria-invalid', 'true')
  input?.focus()
  input?.select()
}

// readAddress takes the address from its field. The server is stricter, but it
// is asked only after the captcha.
function readAddress() {
  const email = $('address').value.trim()
  if (!email) throw new Refusal(say('say_no_email'), 'empty')
  if (!/^[^\s@]+@[^\s@]+\.[^\s@.]{2,}$/.test(email)) throw new Refusal(say('say_bad_email'), 'malformed')
  if (email !== state.email) remember({ email, expiresAt: 0, resendAt: 0, wrong: 0 })
}

async function challenge(kind = state.captcha) {
  remember({ captcha: await loadCaptcha(kind, solved => act(() => send(solved))) })
}

// send answers the captcha and has a code sent.
async function send(solved) {
  let sent
  try {
    const { captcha_token } = await post('captcha/verify', { sender: state.email, ...solved })
    sent = await post('email/send', { email: state.email, type: 'LOGIN_EMS', captcha_token })
  } catch (refusal) {
    if (refusal.code === 'IDAAS.SDK.CAPTCHA.0002') await challenge()
    else if (refusal.code || state.captcha === 'pow') show(alive() ? 'code' : 'email') // the captcha is spent
    throw refusal
  }
  const now = Date.now()
  remember({ expiresAt: now + 1000 * sent.expire, resendAt: now + 1000 * sent.resend_after, wrong: 0 })
  advance('code')
  put($('status'), say('say_sent', { email: state.email }))
}

// logIn turns the code into a session, which is a cookie that scripts cannot
// read.
async function logIn() {
  const code = $('typed').value.replace(/[\s-]/g, '')
  if (!code) throw new Refusal(say('say_no_code'), 'empty')
  try {
    await post('login/email-verify-code', { email: state.email, verify_code: code })
  } catch (refusal) {
    if (refusal.code !== 'IDAAS.SDK.CAPTCHA.0007') throw refusal
    remember({ wrong: (state.wrong ?? 0) + 1 })
    tick()
    if (state.expiresAt && !alive()) throw new Refusal(say('say_expired'), refusal.code)
    if (state.wrong >= 5) throw new Refusal(say('say_too_often'), refusal.code)
    throw refusal
  }
  put($('who'), state.email)
  leave()
}

// leave goes where the person wanted to go. Going back from there leads to
// where the person came from, and to no step of the login.
function leave() {
  show('done')
  forget()
  leaving = true
  put($('status'), say('say_leaving'))
  if (history.state) {
    addEventListener('popstate', () => location.replace(config.return), { once: true })
    history.back()
  } else {
    location.replace(config.return)
  }
}

// tick keeps the times up to date.
function tick() {
  const now = Date.now()
  const wait = Math.ceil(((state.resendAt ?? 0) - now) / 1000)
  $('resend').disabled = wait > 0
  put($('resend'), wait > 0 ? say('say_resend_in', { time: duration(wait) }) : say('say_resend'))
  put($('valid'), alive() ? say('say_valid', { time: duration((state.expiresAt - now) / 1000) }) : '')
}

// on calls work when the form is submitted.
function on(form, work) {
  $(form).addEventListener('submit', event => {
    event.preventDefault()
    act(work)
  })
}

// press calls work when one of the buttons is pressed.
function press(buttons, work) {
  for (const button of document.querySelectorAll(buttons)) button.addEventListener('click', () => act(() => work(button)))
}

on('email', async () => {
  readAddress()
  await challenge()
  advance('captcha')
})
press('#have-code', () => {
  readAddress()
  advance('code')
})
on('captcha', async () => {
  let solved
  try {
    solved = answer()
  } catch (refusal) {
    if (refusal.code === 'stale') await challenge()
    throw refusal
  }
  await send(solved)
})
for (const buttons of ['.renew', '.kind']) {
  press(buttons, async button => {
    await challenge(button.value || undefined)
    show('captcha')
  })
}
press('#listen', listen)
press('#back-to-code', () => advance('code'))
on('code', logIn)
press('#resend', async () => {
  await challenge()
  advance('captcha')
})
press('#letters', () => {
  $('typed').inputMode = 'text'
  $('typed').focus()
})
press('.back', () => show('email'))
press('#sign-out', async () => {
  await signOut()
  forget()
  location.replace(location.pathname)
})
for (const button of document.querySelectorAll('#done button')) button.disabled = false // they do something now

// A pasted code may come with spaces.
$('typed').addEventListener('input', () => {
  const { value } = $('typed')
  if (/[\s-]/.test(value)) $('typed').value = value.replace(/[\s-]/g, '')
})

addEventListener('popstate', event => { if (!leaving) resume(event.state?.step) })

// A page that the browser kept while the person was elsewhere may show what is
// no longer so.
addEventListener('pageshow', event => { if (event.persisted) location.reload() })

// resume shows a step that the person was at before.
async function resume(step = 'email') {
  if (!state.email || step === 'done') step = 'email'
  if (step !== 'captcha') return show(step)
  show('email')
  await act(async () => {
    await challenge()
    show('captcha')
  })
}

// goOn takes whoever is signed in already to where they wanted to go; not when
// they came back from there, or were sent back at once.
function goOn() {
  const [{ type } = {}] = performance.getEntriesByType('navigation')
  const { wentOn = 0 } = state
  if (!('asked' in config) || type !== 'navigate' || Date.now() - wentOn < 10_000) return
  leave()
  remember({ wentOn: Date.now() })
}

setInterval(tick, 1000)
if ($('done').hidden) resume(history.state?.step ?? (alive() ? state.step : undefined))
else goOn()
