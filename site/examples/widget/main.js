// The form is not sent anywhere: it shows what it would send.
document.querySelector('#form').addEventListener('submit', (event) => {
  event.preventDefault();
  document.querySelector('#sent').textContent = new URLSearchParams(new FormData(event.target)).toString();
});
