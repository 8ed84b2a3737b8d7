// The worker that looks for a proof of work: a number which, added to the salt,
// has a SHA-256 that begins with so many zero bits.

const batch = 2048

onmessage = async ({ data: { salt, difficulty } }) => {
  const encoder = new TextEncoder()
  const expected = 2 ** difficulty
  for (let n = 0; ; n += batch) {
    const sums = await Promise.all(Array.from({ length: batch }, (_, i) => crypto.subtle.digest('SHA-256', encoder.encode(salt + (n + i)))))
    const i = sums.findIndex(sum => leadingZeros(new DataView(sum)) >= difficulty)
    if (i >= 0) return postMessage({ part: 1, found: `${n + i}` })
    postMessage({ part: 1 - Math.exp(-(n + batch) / expected) }) // the chance to have found it by now
  }
}

function leadingZeros(sum) {
  const zeros = Math.clz32(sum.getUint32(0))
  return zeros < 32 ? zeros : 32 + Math.clz32(sum.getUint32(4))
}
