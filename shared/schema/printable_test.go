package schema

import (
	"strings"
	"testing"
	"unicode"
	"unicode/utf8"
)

func TestShown(t *testing.T) {
	for in, want := range map[string]string{
		"Mara":                "Mara",
		"  Mara \t Lind\n":    "Mara Lind",
		"a\u202eevil\u202c":   "aevil",
		"\u2066x\u2069\u200f": "x",
		"\u200b\u2060\ufeff":  "user",
		"\u3164\u2800":        "user",
		"":                    "user",
		"a\x00\x1b[31mred":    "a[31mred",
		"line\u2028two":       "linetwo",
		"bad\xff":             "bad\ufffd",
		"👩‍💻 🏴󠁧󠁢󠁥󠁮󠁧󠁿 ❤️":                     "👩‍💻 🏴󠁧󠁢󠁥󠁮󠁧󠁿 ❤️",
		"Z" + strings.Repeat("\u0351", 50):   "Z" + strings.Repeat("\u0351", maxMarks),
		"Nguyễn Thị":                         "Nguyễn Thị",
		"N\u0067uye\u0302\u0303n":            "N\u0067uye\u0302\u0303n",
		"<b>@everyone</b>":                   "<b>@everyone</b>", // whoever shows it escapes it
		"שלום":                               "שלום",
		strings.Repeat("\u0301", 3) + "name": strings.Repeat("\u0301", 3) + "name",
	} {
		if got := Printable(in, "user"); got != want {
			t.Errorf("%q became %q, want %q", in, got, want)
		}
	}
}

func FuzzShown(f *testing.F) {
	for _, s := range []string{"a", "\u202e", "\xff", "👩‍💻", "e\u0301\u0301\u0301\u0301\u0301\u0301"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, name string) {
		got := Printable(name, "x")
		if !utf8.ValidString(got) || got == "" {
			t.Fatalf("%q became %q", name, got)
		}
		for _, r := range got {
			if unicode.IsControl(r) || unicode.Is(unicode.Bidi_Control, r) || r == 0x2028 || r == 0x2029 {
				t.Fatalf("%q became %q, with %U in it", name, got, r)
			}
		}
		if again := Printable(got, "x"); again != got {
			t.Fatalf("%q became %q, and that %q", name, got, again)
		}
	})
}
