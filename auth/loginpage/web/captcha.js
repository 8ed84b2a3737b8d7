// The three kinds of captcha.

import { call, config, say, Refusal } from './api.js'

const $ = id => document.getElementById(id)

const enabled = config.captchas.split(' ').filter(Boolean)

// The challenge that waits for its answer, and when it is too old for one.
let challenge, staleAt

// What has to end with it.
let player, worker, drag

// loadCaptcha shows a new one of the kind, or of the default kind. A proof of
// work goes to done by itself.
export async function loadCaptcha(kind, done) {
  kind = enabled.includes(kind) ? kind : enabled[0]
  dropCaptcha()
  const loaded = await (await call('GET', 'captcha?type=' + kind)).json()
  dropCaptcha() // another one may have been loaded meanwhile
  challenge = loaded
  staleAt = Date.now() + 1000 * challenge.expire
  for (const k of enabled) $(k).hidden = k !== challenge.captchaType
  for (const button of document.querySelectorAll('.kind')) button.hidden = button.value === challenge.captchaType
  $('send').hidden = challenge.captchaType === 'pow'
  kinds[challenge.captchaType].show(done)
  return challenge.captchaType
}

// dropCaptcha forgets the challenge: it was answered, or nobody wants it.
export function dropCaptcha() {
  challenge = undefined
  player?.pause()
  worker?.terminate()
  player = worker = undefined
}

// field is where the person answers; undefined for a proof of work.
export const field = () => kinds[challenge?.captchaType]?.field?.()

// answer returns the body of captcha/verify but for the sender.
export function answer() {
  if (Date.now() > staleAt) throw new Refusal(say('say_captcha_old'), 'stale')
  return { token: challenge.token, ...kinds[challenge.captchaType].answer() }
}

const picture = base64 => 'data:image/png;base64,' + base64

const kinds = {
  digits: {
    field: () => $('digits-answer'),
    show() {
      $('digits-picture').src = picture(challenge.originalImageBase64)
      $('digits-answer').value = ''
    },
    answer() {
      const typed = $('digits-answer').value.replace(/\s/g, '')
      if (!typed) throw new Refusal(say('say_no_digits'), 'empty')
      return { captcha_code: typed }
    },
  },
  slider: {
    field: () => $('position'),
    show() {
      $('background').src = picture(challenge.originalImageBase64)
      $('piece').src = picture(challenge.jigsawImageBase64)
      move(0)
    },
    answer: () => ({ point_json: JSON.stringify({ x: $('position').valueAsNumber, y: 5 }) }),
  },
  pow: {
    show(done) {
      const { token, pow } = challenge
      $('progress').value = 0
      worker = new Worker(new URL('pow.js', import.meta.url))
      worker.onmessage = ({ data: { part, found } }) => {
        if (challenge?.token !== token) return
        $('progress').value = part
        if (found) done({ token, captcha_code: found })
      }
      worker.postMessage(pow)
    },
  },
}

// listen plays the digits, which are fetched once: the server speaks them a few
// times only.
export async function listen() {
  const { token } = challenge
  try {
    if (!player) {
      const sound = await (await call('GET', 'captcha/audio?token=' + token)).blob()
      if (challenge?.token !== token) return
      player = new Audio(URL.createObjectURL(sound))
    }
    player.currentTime = 0
    await player.play()
  } catch (error) {
    if (error instanceof Refusal && error.code !== 'IDAAS.SDK.CAPTCHA.0002') throw error
    throw new Refusal(say('say_no_audio'))
  }
}

// move puts the piece, and the thumb below it, at x.
function move(x) {
  const position = $('position')
  position.value = x
  position.setAttribute('aria-valuetext', say('say_position', { x: position.value, max: position.max }))
  $('stage').style.setProperty('--x', position.value)
}

// The piece can be dragged itself, too: with mouse, pen or finger.
if (enabled.includes('slider')) {
  const stage = $('stage'), position = $('position')
  position.addEventListener('input', () => move(position.value))
  stage.addEventListener('pointerdown', event => {
    if (!event.isPrimary || event.button) return
    event.preventDefault()
    stage.setPointerCapture(event.pointerId)
    drag = { from: event.clientX, at: position.valueAsNumber }
  })
  stage.addEventListener('pointermove', event => {
    if (drag && event.isPrimary) move(drag.at + (event.clientX - drag.from) * 310 / $('background').clientWidth)
  })
  for (const end of ['pointerup', 'pointercancel']) stage.addEventListener(end, () => { drag = undefined })
}
