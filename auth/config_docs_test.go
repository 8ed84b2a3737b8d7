package auth

import (
	"fmt"
	"os"
	"reflect"
	"strings"
	"testing"
	"time"
)

// The defaults and bounds in the tables of the documents, which are made from
// the comments, are those of the code.
func TestDocumentedDefaults(t *testing.T) {
	t.Parallel()
	var tables strings.Builder
	for _, file := range []string{"../README.md", "../docs/configuration.md"} {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		tables.Write(text)
	}
	has := func(name, byDefault string) {
		t.Helper()
		name = name[strings.LastIndexByte(name, '.')+1:]
		if row := fmt.Sprintf("\n| `%s` | %s |", name, byDefault); !strings.Contains(tables.String(), row) {
			t.Errorf("no table has the row %q", row[1:])
		}
	}
	complete, err := leastConfig().withDefaults()
	if err != nil {
		t.Fatal(err)
	}

	for _, row := range []struct {
		name        string
		least, most int64
		unit        time.Duration // 0: a number
	}{
		{"IDTokenLifetime", 1, 3600, time.Second},
		{"SessionLifetime", 1, 30 * 24 * 60, time.Minute},
		{"KeyRotation", 3, 3650, 24 * time.Hour},
		{"MaxSessions", 1, 1000, 0},
		{"Limits.Address.Cooldown", 1, 3600, time.Second},
		{"Limits.Address.PerHour", 1, 1000, 0},
		{"Limits.Address.PerDay", 1, 1000, 0},
		{"Limits.Address.GuessesPerCode", 1, 5, 0},
		{"Limits.Address.StrangerGuessesPerDay", 1, 1000, 0},
		{"Limits.Address.FirstWait", 1, 3600, time.Second},
		{"Limits.MaxPendingMails", 1, 1_000_000, 0},
	} {
		scale := max(int64(row.unit), 1)
		say := func(n int64) string {
			if row.unit == 0 {
				return fmt.Sprint(n)
			}
			return inWords(time.Duration(n))
		}
		has(row.name, fmt.Sprintf("%s (%s to %s)", say(fieldOf(&complete, row.name).Int()), say(row.least*scale), say(row.most*scale)))
		for value, allowed := range map[int64]bool{row.least*scale - 1: row.least*scale == 1, row.least * scale: true, row.most * scale: true, row.most*scale + 1: false} {
			cfg := leastConfig() // in which 0 is the default
			fieldOf(&cfg, row.name).SetInt(value)
			if _, err := cfg.withDefaults(); (err == nil) != allowed {
				t.Errorf("%s = %d: %v", row.name, value, err)
			}
		}
	}

	for _, name := range []string{"Captcha", "VerifyCaptcha", "WrongCaptcha", "SendCode", "SendCodeLong", "Login", "SendCodeDevice", "LoginDevice"} {
		rate, _ := reflect.TypeAssert[Rate](fieldOf(&complete, "Limits."+name))
		per := strings.Replace(inWords(rate.Per), "1 minute", "a minute", 1)
		has(name, fmt.Sprintf("%d in %s", rate.Count, strings.Replace(per, "1 hour", "an hour", 1)))
	}
	address := complete.Limits.Address
	has("StrangersPerHour", fmt.Sprintf("%d (1 to PerHour)", address.StrangersPerHour))
	has("StrangersPerDay", fmt.Sprintf("%d (1 to PerDay)", address.StrangersPerDay))
	has("LastWait", fmt.Sprintf("%s (FirstWait to 1 day)", inWords(address.LastWait)))
	has("Level1After`, `Level2After", fmt.Sprintf("%d and %d (at most that)", address.Level1After, address.Level2After))
}

// fieldOf returns a field by its name, as in Limits.Captcha.
func fieldOf(cfg *Config, name string) reflect.Value {
	v := reflect.ValueOf(cfg).Elem()
	for part := range strings.SplitSeq(name, ".") {
		v = v.FieldByName(part)
	}
	return v
}

// inWords is a duration as a person says it.
func inWords(d time.Duration) string {
	const day = 24 * time.Hour
	for _, unit := range []struct {
		of   time.Duration
		name string
	}{{365 * day, "year"}, {day, "day"}, {time.Hour, "hour"}, {time.Minute, "minute"}, {time.Second, "second"}} {
		if n := d / unit.of; n > 0 && d%unit.of == 0 {
			if n > 1 {
				unit.name += "s"
			}
			return fmt.Sprintf("%d %s", n, unit.name)
		}
	}
	return d.String()
}
