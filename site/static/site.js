// On paper everything is open; the button prints the flashcards alone.
addEventListener("beforeprint", () => {
  for (const one of document.querySelectorAll("details")) one.open = true;
});
addEventListener("click", (event) => {
  if (!event.target.matches(".print-cards")) return;
  document.body.classList.add("only-cards");
  print();
  document.body.classList.remove("only-cards");
});
