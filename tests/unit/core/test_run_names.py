from eparch.core.run_names import run_name


def test_a_name_is_two_lower_case_words_joined_by_a_hyphen() -> None:
    for entropy in (0, 1, 177, 39_647, 2**64 - 1):
        adjective, animal = run_name(entropy).split("-")
        assert adjective.isalpha()
        assert animal.isalpha()
        assert (adjective + animal).islower()


def test_as_many_names_as_there_are_pairs_differ() -> None:
    assert len({run_name(entropy) for entropy in range(39_648)}) == 39_648
