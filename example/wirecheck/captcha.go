package main

import (
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"errors"
	"fmt"
	"math/bits"
	"os"
	"strconv"
)

// solve answers a captcha, itself or with a person's help. It returns the name
// of the member for the answer, too.
func (r *run) solve(captcha reply) (member, answer string, err error) {
	switch kind := captcha.text("captchaType"); kind {
	case "pow":
		pow, _ := captcha.json["pow"].(map[string]any)
		salt, _ := pow["salt"].(string)
		difficulty, _ := pow["difficulty"].(float64)
		answer, err = r.work(salt, int(difficulty))
		return "captcha_code", answer, err
	case "digits":
		file, err := savePicture(captcha.text("originalImageBase64"))
		if err != nil {
			return "", "", err
		}
		answer, err = r.person.askf("the digits in %s: ", file)
		return "captcha_code", answer, errors.Join(err, os.Remove(file))
	case "slider":
		file, err := savePicture(captcha.text("originalImageBase64"))
		if err != nil {
			return "", "", err
		}
		x, err := r.person.askf("pixels to the left of the gap in %s: ", file)
		return "point_json", fmt.Sprintf(`{"x":%s,"y":5.0}`, x), errors.Join(err, os.Remove(file))
	default:
		return "", "", captcha.but("there is no captchaType %q", kind)
	}
}

// work looks for the proof of work.
func (r *run) work(salt string, difficulty int) (string, error) {
	if salt == "" || difficulty < 1 || difficulty > 32 {
		return "", fmt.Errorf("no proof of work has the salt %q and the difficulty %d", salt, difficulty)
	}
	for n := 0; r.ctx.Err() == nil; n++ {
		answer := strconv.Itoa(n)
		sum := sha256.Sum256([]byte(salt + answer))
		if bits.LeadingZeros64(binary.BigEndian.Uint64(sum[:])) >= difficulty {
			return answer, nil
		}
	}
	return "", r.ctx.Err()
}

func savePicture(inBase64 string) (name string, err error) {
	png, err := base64.StdEncoding.DecodeString(inBase64)
	if err != nil {
		return "", fmt.Errorf("the picture: %w", err)
	}
	file, err := os.CreateTemp("", "captcha-*.png")
	if err != nil {
		return "", err
	}
	_, err = file.Write(png)
	return file.Name(), errors.Join(err, file.Close())
}
