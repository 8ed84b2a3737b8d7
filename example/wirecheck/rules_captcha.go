package main

import (
	"bytes"
	"encoding/base64"
	"image/png"
	"strings"
)

// captchaRules are about getting a captcha.
var captchaRules = []rule{
	{2, "captcha/fields", "it has the fifteen fields of the family and three more, null but for some", captchaFields},
	{2, "captcha/token", "its token is long, and another each time", func(r *run) error {
		a, b := r.send(r.app.get(captchaPath)), r.send(r.app.get(captchaPath))
		if len(a.text("token")) < 22 || a.text("token") == b.text("token") {
			return b.but("the token before was %q", a.text("token"))
		}
		return nil
	}},
	{2, "captcha/type", "a type that is not enabled gets the first one", func(r *run) error {
		a, b := r.send(r.app.get(captchaPath)), r.send(r.app.get(captchaPath+"?type=nothing"))
		if a.text("captchaType") != b.text("captchaType") {
			return b.but("the first type is %q", a.text("captchaType"))
		}
		return b.ok()
	}},
	{2, "captcha/pow", "pow has no picture, and asks for SHA-256 with a salt and a difficulty", func(r *run) error {
		a := r.send(r.app.get(captchaPath + "?type=pow"))
		if err := a.ok(); err != nil {
			return err
		}
		if a.text("captchaType") != "pow" {
			return uncheckedError("the server has no pow")
		}
		pow, _ := a.json["pow"].(map[string]any)
		salt, _ := pow["salt"].(string)
		difficulty, _ := pow["difficulty"].(float64)
		if pow["algorithm"] != "SHA-256" || salt == "" || difficulty < 1 || a.json["originalImageBase64"] != nil || a.json["jigsawImageBase64"] != nil {
			return a.but("that is no proof of work")
		}
		return nil
	}},
	{2, "captcha/digits", "digits have a PNG, and a sound", func(r *run) error {
		a := r.send(r.app.get(captchaPath + "?type=digits"))
		if err := a.ok(); err != nil {
			return err
		}
		if a.text("captchaType") != "digits" {
			return uncheckedError("the server has no digits")
		}
		if _, _, err := size(a.text("originalImageBase64")); err != nil || a.json["jigsawImageBase64"] != nil || a.json["pow"] != nil {
			return a.but("that is no picture of digits (%v)", err)
		}
		sound := r.send(r.app.get(audioPath + "?token=" + a.text("token")))
		if !bytes.HasPrefix(sound.body, []byte("RIFF")) || sound.header.Get("Content-Type") != "audio/wav" {
			return sound.but("the type is %q and should be audio/wav", sound.header.Get("Content-Type"))
		}
		return sound.ok()
	}},
	{2, "captcha/slider", "a slider has a background of 310 × 155 pixels and a piece on a strip of 47 × 155", func(r *run) error {
		a := r.send(r.app.get(captchaPath + "?type=slider"))
		if err := a.ok(); err != nil {
			return err
		}
		if a.text("captchaType") != "slider" {
			return uncheckedError("the server has no slider")
		}
		w, h, err := size(a.text("originalImageBase64"))
		if err != nil || w != 310 || h != 155 {
			return a.but("the background has %d × %d pixels (%v)", w, h, err)
		}
		if w, h, err = size(a.text("jigsawImageBase64")); err != nil || w != 47 || h != 155 {
			return a.but("the strip has %d × %d pixels (%v)", w, h, err)
		}
		return nil
	}},
	{2, "captcha/audio", "the sound of a captcha that there is not is CAPTCHA.0002", func(r *run) error {
		return r.refuses(captchaFailed, r.app.get(audioPath+"?token="+strings.Repeat("A", 43)))
	}},
}

func captchaFields(r *run) error {
	a := r.send(r.app.get(captchaPath))
	if err := a.ok(); err != nil {
		return err
	}
	filled := []string{"originalImageBase64", "jigsawImageBase64", "token", "result", "captchaType", "expire", "pow"}
	null := []string{
		"captchaId", "projectCode", "captchaOriginalPath", "captchaFontType", "captchaFontSize", "secretKey", "point", "wordList",
		"pointList", "pointJson", "captchaVerification",
	}
	if err := members(a.json, append(filled, null...)...); err != nil {
		return a.but("%v", err)
	}
	for _, name := range null {
		if a.json[name] != nil {
			return a.but("%s is not null", name)
		}
	}
	if a.json["result"] != false || a.number("expire") < 1 {
		return a.but("result should be false, and expire a number of seconds")
	}
	return nil
}

// size is that of a PNG in base64.
func size(inBase64 string) (width, height int, err error) {
	raw, err := base64.StdEncoding.DecodeString(inBase64)
	if err != nil {
		return 0, 0, err
	}
	header, err := png.DecodeConfig(bytes.NewReader(raw))
	return header.Width, header.Height, err
}
