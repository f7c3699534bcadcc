package text_test

import (
	"compress/gzip"
	"encoding/csv"
	"os"
	"path/filepath"
	"testing"

	"orrery.dev/text"
)

func TestLanguage(t *testing.T) {
	for _, c := range []struct{ message, want string }{
		{"I don't know what they were doing there, but it was not good for us.", "en"},
		{"you are the best and i love it", "en"},
		{"No sé por qué lo hacen, pero me parece muy bien que estén con nosotros.", "es"},
		{"Je ne sais pas ce que vous avez fait, mais c'est très bien pour nous.", "fr"},
		{"Ich weiß nicht, was sie gemacht haben, aber das ist sehr gut für uns.", "de"},
		{"Non so che cosa hanno fatto, ma per noi è una cosa molto bella.", "it"},
		{"Não sei o que eles fizeram, mas isso é muito bom para nós e para você também.", "pt"},
		{"Ik weet niet wat ze hebben gedaan, maar het is voor ons een goede zaak.", "nl"},
		{"En tiedä mitä he ovat tehneet, mutta se on hyvä asia ja olen iloinen.", "fi"},
		{"Nie wiem co oni zrobili, ale to jest bardzo dobre dla mnie i dla nas.", "pl"},
		{"Nevím, co udělali, ale je to pro nás velmi dobré, a proto jsem tak rád, že jsou tady.", "cs"},
		{"Nu știu ce au făcut, dar este foarte bine pentru noi și pentru cei care sunt aici.", "ro"},
		{"Nem tudom, hogy mit csináltak, de ez nagyon jó, és csak azt kell mondani.", "hu"},
		{"Ne yaptıklarını bilmiyorum ama bu bizim için çok iyi ve daha da iyi olan bir şey var.", "tr"},
		{"Saya tidak tahu apa yang mereka lakukan, tapi itu sangat baik untuk kita dan juga untuk dia.", "id"},
		{"Tôi không biết họ đã làm gì, nhưng điều này rất tốt cho các bạn.", "vi"},
		{"Я не знаю, что они сделали, но это очень хорошо для нас.", "ru"},
		{"Я не знаю, що вони зробили, але це дуже добре для нас і для вас.", "uk"},
		{"Не знам какво са направили, но това е много добре за нас и ще си остане.", "bg"},
		{"لا اعرف ما فعلوا ولكن هذا جيد من كل شيء في الحياة", "ar"},
		{"من نمی دانم که این را چه کسی برای ما گفت و در آن است", "fa"},
		{"मुझे नहीं पता कि यह क्या है और वह कौन है", "hi"},
		{"Δεν ξέρω τι έκαναν", "el"},
		{"그들이 무엇을 했는지 모르겠어요", "ko"},
		{"彼らが何をしたのか分かりません", "ja"},
		{"ฉันไม่รู้ว่าพวกเขาทำอะไร", "th"},
		// What cannot be told is not guessed.
		{"lol gg wp", "und"},
		{"hello", "und"},
		{"", "und"},
		{"12345 !!!", "und"},
		{"blorp zark frob wibble grault", "und"},
		{"你好", "und"},
		{"Mi ne scias kion ili faris", "und"},
		{"det er en", "und"},
	} {
		var n text.Normal
		if err := n.Reset(c.message); err != nil {
			t.Fatal(err)
		}
		got := n.Language()
		if c.message == "你好" && got == "zh" {
			continue // no other language of Han alone is known
		}
		if got != c.want {
			t.Errorf("%q is taken for %s, want %s", c.message, got, c.want)
		}
		if got != text.Und && !n.MayBe(got) {
			t.Errorf("%q is %s and may not be", c.message, got)
		}
	}
}

func TestMayBe(t *testing.T) {
	for _, c := range []struct {
		message, code string
		want          bool
	}{
		{"lol gg wp", "en", true},
		{"lol gg wp", "de", true},
		{"👍 123", "en", true},
		{"у меня нет времени", "en", false},
		{"ich weiss nicht was das ist", "en", false},
		{"ich weiss nicht was das ist", "de", true},
		{"ich weiss nicht was das ist", "de-CH", true},
		{"det er ikke det jeg har", "en", false},
		{"i am not the one", "en", true},
		{"i am not the one", "xx", false},
		{"你好", "zh", true},
		{"你好", "ja", true},
		{"こんにちは", "zh", false},
	} {
		var n text.Normal
		if err := n.Reset(c.message); err != nil {
			t.Fatal(err)
		}
		if got := n.MayBe(c.code); got != c.want {
			t.Errorf("%q may be %s: %v", c.message, c.code, got)
		}
	}
}

// TestEnglishTweets measures on real messages in English how many are taken for
// another language.
func TestEnglishTweets(t *testing.T) {
	folder := os.Getenv("ORRERY_DATA")
	if folder == "" {
		t.Skip("ORRERY_DATA names no folder of evaluation data")
	}
	total, refused, told := 0, 0, 0
	for _, name := range []string{"davidson_dev", "tweeteval_hate_train", "tweeteval_offensive_train"} {
		file, err := os.Open(filepath.Join(folder, "moderation", name+".csv.gz"))
		if err != nil {
			t.Skip(err)
		}
		defer file.Close()
		unzipped, err := gzip.NewReader(file)
		if err != nil {
			t.Fatal(err)
		}
		rows, err := csv.NewReader(unzipped).ReadAll()
		if err != nil {
			t.Fatal(err)
		}
		var n text.Normal
		for _, row := range rows[1:] {
			if err := n.Reset(row[1]); err != nil {
				t.Fatal(err)
			}
			total++
			if !n.MayBe("en") {
				refused++
			}
			if n.Language() == "en" {
				told++
			}
		}
	}
	t.Logf("%d messages, %d told to be English, %d said not to be", total, told, refused)
	if refused*100 > total {
		t.Errorf("%d of %d messages in English are said not to be", refused, total)
	}
}
