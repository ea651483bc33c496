//! The matcher against one that is written the slow way: letter by letter, over every place of the text.

use super::*;
use proptest::prelude::*;

fn list(words: &[&str]) -> Folded {
    Lexicon::new(OnWords::Refuse, words.iter().map(|word| (*word).to_owned())).expect("a list").folded()
}

#[test]
fn a_word_is_found_however_it_is_dressed() {
    let found = list(&["дурак", "Ёлка", "pill", "мой"]);
    for text in [
        "дурак",
        "Ты ДУРАК!",
        "ду\u{301}рак",
        "дурaк",
        "Дyрaк,",
        "(дурак)",
        "д\u{200b}урак",
        "елка",
        "ёЛКА",
        "е\u{308}лка",
        "buy PILL now",
        "p1ll",
        "МОЙ",
        "мои\u{306}",
    ] {
        assert!(found.is_in(text), "{text}");
    }
    for text in ["", "дураки", "придурак", "дур ак", "pillow", "e-lka", "хорошо"] {
        assert!(!found.is_in(text), "{text}");
    }
    assert!(!list(&[]).is_in("дурак"));
}

#[test]
fn a_list_is_of_single_words_and_bounded() {
    let made = |words: Vec<String>| Lexicon::new(OnWords::Report, words);
    assert_eq!(made(vec!["two words".into()]), Err(NotAList::NotAWord("two words".into())));
    assert_eq!(made(vec!["!".into()]), Err(NotAList::NotAWord("!".into())));
    assert!(made(vec!["x".repeat(LEXICON_WORD_BYTES_MAX + 1)]).is_err());
    let many = |n: usize| (0..n).map(|n| format!("w{n}")).collect();
    assert!(made(many(LEXICON_WORDS_MAX)).is_ok());
    assert_eq!(made(many(LEXICON_WORDS_MAX + 1)), Err(NotAList::TooMany));
    let kept = made(vec![" b ".into(), "a".into(), "".into(), "b".into()]).expect("a list");
    assert_eq!(kept.words.into_iter().collect::<Vec<_>>(), ["a", "b"]);
}

/// Letters that are taken for this one.
fn alike(letter: char) -> Vec<char> {
    match letter {
        'а' => vec!['а', 'А', 'a', 'A', '@'],
        'е' => vec!['е', 'Е', 'ё', 'Ё', 'e', 'E'],
        'о' => vec!['о', 'О', 'o', 'O', '0'],
        'р' => vec!['р', 'Р', 'p', 'P'],
        'с' => vec!['с', 'С', 'c', 'C', '$'],
        'у' => vec!['у', 'У', 'y', 'Y'],
        'к' => vec!['к', 'К', 'k', 'K'],
        other => vec![other, other.to_uppercase().next().expect("a letter")],
    }
}

/// Whether the word stands at some place of the text with no letter before and behind it.
fn stands_in(text: &str, word: &str) -> bool {
    let is_letter = |c: &char| c.is_alphanumeric() || ['@', '$'].contains(c);
    let (text, word): (Vec<char>, Vec<char>) = (text.chars().collect(), word.chars().collect());
    (0..=text.len().saturating_sub(word.len())).any(|at| {
        let end = at + word.len();
        let same =
            end <= text.len() && text[at..end].iter().zip(&word).all(|(seen, meant)| alike(*meant).contains(seen));
        same && !(at > 0 && is_letter(&text[at - 1])) && !text.get(end).is_some_and(is_letter)
    })
}

fn dressed(word: String) -> impl Strategy<Value = String> {
    let letters: Vec<_> = word.chars().map(|letter| proptest::sample::select(alike(letter))).collect();
    letters.prop_map(|letters| letters.into_iter().collect())
}

proptest! {
    #[test]
    fn what_is_listed_is_found_in_any_dress_and_place(
        (word, dress) in "[аеорсукгд]{1,6}".prop_flat_map(|word| (Just(word.clone()), dressed(word))),
        before in "([а-яa-z]{0,4}[ .,!\n🚴-])?", behind in "([ .,!\n🚴-][а-яa-z]{0,4})?",
    ) {
        let text = format!("{before}{dress}{behind}");
        prop_assert!(list(&[&word]).is_in(&text), "{word} in {text:?}");
    }

    #[test]
    fn nothing_else_is(
        words in proptest::collection::vec("[аеорсукгд]{1,3}", 1..4),
        text in "[аАaA@еёeорpPсcуyкkгд .,-]{0,14}",
    ) {
        let words: Vec<&str> = words.iter().map(String::as_str).collect();
        let slowly = words.iter().any(|word| stands_in(&text, word));
        prop_assert_eq!(list(&words).is_in(&text), slowly, "{:?} in {:?}", words, text);
    }
}
