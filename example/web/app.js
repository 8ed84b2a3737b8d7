'use strict'
// The whole login as a client of the API: captcha, captcha/verify, email/send,
// login/email-verify-code, logout. The session is a cookie; nothing is kept but
// the device's random name.

const $ = id => document.getElementById(id)
const root = document.documentElement
const {client, captchas} = document.body.dataset
const t = (en, zh) => root.lang === 'zh' ? zh : en

let device = localStorage.getItem('mailkey.device')
if (!device) {
  device = Array.from(crypto.getRandomValues(new Uint8Array(16)), b => b.toString(16).padStart(2, '0')).join('')
  localStorage.setItem('mailkey.device', device)
}

let email, captcha, resendAt, busy
const player = new Audio()

// call makes a request. A refusal is thrown, with the server's text for it.
async function call(method, path, body) {
  const headers = {
    'X-operating-sys-version': (navigator.userAgentData?.platform || navigator.platform || 'web').slice(0, 64),
    'X-device-fingerprint': device,
    'X-agent': navigator.userAgent.slice(0, 512),
    'X-client-id': client,
    'X-L': root.lang,
  }
  if (body) headers['Content-Type'] = 'application/json'
  const response = await fetch('/api/v2/sdk/' + path, {method, headers, body: body && JSON.stringify(body)})
    .catch(() => { throw new Error(t('The server cannot be reached.', '无法连接服务器。')) })
  if (response.ok) return response
  const {error_code, error_msg} = await response.json().catch(() => ({error_msg: `${response.status}`}))
  const wait = response.headers.get('Retry-After')
  const text = wait ? error_msg + t(` (in ${wait} seconds)`, `（${wait} 秒后）`) : error_msg
  throw Object.assign(new Error(text), {code: error_code})
}

const json = async (...request) => (await call(...request)).json()

// act runs what a button does, one at a time, and shows what went wrong.
async function act(f) {
  if (busy) return
  busy = true
  document.body.classList.add('busy')
  $('error').textContent = ''
  try {
    await f()
  } catch (e) {
    $('error').textContent = e.message
  }
  document.body.classList.remove('busy')
  busy = false
}

function show(screen) {
  for (const form of document.forms) form.hidden = form.id !== screen
  if (screen !== 'captcha') captcha = null
  player.pause()
  const input = [...$(screen).querySelectorAll('input')].find(i => i.offsetParent)
  const target = input ?? $(screen).querySelector('h1')
  target.focus()
}

async function newCaptcha(kind = '') {
  captcha = await json('GET', 'captcha?type=' + kind)
  const pow = captcha.captchaType === 'pow'
  $('digits').hidden = pow
  $('pow').hidden = !pow
  $('answer').disabled = pow
  $('answer').value = ''
  $('picture').src = pow ? '' : 'data:image/png;base64,' + captcha.originalImageBase64
  $('picture').alt = t('A picture of six digits', '六位数字图片')
  show('captcha')
  player.removeAttribute('src')
  if (pow) solve(captcha)
}

// solve looks for the proof of work, many hashes at a time, until the person
// goes elsewhere.
async function solve(challenge) {
  const {salt, difficulty} = challenge.pow
  if (!crypto.subtle) {
    $('error').textContent = t('Browsers solve puzzles at https addresses and at localhost only.', '浏览器仅在 https 地址或 localhost 上解题。')
    return
  }
  const encoder = new TextEncoder()
  for (let n = 0; captcha === challenge; n += 1024) {
    $('progress').textContent = t(`${n} of about ${2 ** difficulty} attempts`, `已尝试 ${n} 次，约需 ${2 ** difficulty} 次`)
    const sums = await Promise.all(Array.from({length: 1024}, (_, i) => crypto.subtle.digest('SHA-256', encoder.encode(salt + (n + i)))))
    const i = sums.findIndex(sum => Math.clz32(new DataView(sum).getUint32(0)) >= difficulty)
    if (i >= 0 && captcha === challenge) return act(() => sendCode(`${n + i}`))
  }
}

async function sendCode(answer) {
  const kind = captcha.captchaType
  try {
    const {captcha_token} = await json('POST', 'captcha/verify', {token: captcha.token, sender: email, captcha_code: answer})
    const sent = await json('POST', 'email/send', {email, type: 'LOGIN_EMS', captcha_token})
    resendAt = Date.now() + sent.resend_after * 1000
    for (const e of document.querySelectorAll('.to')) e.textContent = email
    for (const e of document.querySelectorAll('.minutes')) e.textContent = Math.round(sent.expire / 60)
    $('typed').value = ''
    countdown()
    show('code')
  } catch (e) { // the captcha is spent
    if (kind === 'pow' || e.code === 'MAILKEY.REQUEST.0005') show('email')
    else await newCaptcha(kind)
    throw e
  }
}

function countdown() {
  const left = Math.ceil((resendAt - Date.now()) / 1000)
  $('resend').disabled = left > 0
  $('resend').textContent = left > 0 ? t(`Send again in ${left} s`, `${left} 秒后可重新发送`) : t('Send again', '重新发送')
}

function claimsOf(token) {
  const payload = atob(token.split('.')[1].replaceAll('-', '+').replaceAll('_', '/'))
  return JSON.parse(new TextDecoder().decode(Uint8Array.from(payload, c => c.charCodeAt(0))))
}

const on = (form, f) => $(form).addEventListener('submit', e => { e.preventDefault(); act(f) })

on('email', () => { email = $('address').value.trim(); return newCaptcha() })
on('captcha', () => sendCode($('answer').value.trim()))
on('code', async () => {
  $('typed').select()
  const {id_token} = await json('POST', 'login/email-verify-code', {email, verify_code: $('typed').value.replace(/\s/g, '')})
  $('claims').textContent = JSON.stringify(claimsOf(id_token), null, 2)
  show('done')
})
on('done', async () => { await call('POST', 'logout'); show('email') })

$('another').onclick = () => act(() => newCaptcha('digits'))
$('prove').onclick = () => act(() => newCaptcha('pow'))
$('prove').hidden = !captchas.split(', ').includes('pow')
$('listen').onclick = () => act(async () => {
  if (!player.src) player.src = URL.createObjectURL(await (await call('GET', 'captcha/audio?token=' + captcha.token)).blob())
  await player.play()
})
$('letters').onclick = () => { $('typed').inputMode = 'text'; $('typed').focus() }
$('resend').onclick = () => act(() => newCaptcha())
for (const back of document.querySelectorAll('.back')) back.onclick = () => act(() => show('email'))
$('language').onchange = () => { root.lang = $('language').value; countdown() }

$('language').value = root.lang = navigator.language.startsWith('zh') ? 'zh' : 'en'
setInterval(countdown, 1000)
show('email')
